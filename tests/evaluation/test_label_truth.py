"""Labels against the truth: shares and chance in closed form, p values, and which words name a tag."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import kstest

from noise2music.evaluation.label_truth import LabelTruth, TruthRow, hit_shares, label_truth
from noise2music.evaluation.tag_names import Naming, tag_pattern, tempo_word, truth_words
from noise2music.evaluation.truth_table import KINDS, Truth

INSTRUMENTS = ("piano", "violin", "flute", "tuba")


def truth_of(**kinds: dict[str, tuple[str, ...]]) -> Truth:
    return Truth(kinds, {}, 0)


def row_of(found: LabelTruth, vocabulary: str, kind: str) -> TruthRow:
    return next(row for row in found.rows if (row.vocabulary, row.kind) == (vocabulary, kind))


def test_labels_that_are_all_true_against_chance_in_closed_form() -> None:
    """16 recordings of four instruments, four each: a stranger's label is true in a quarter of all cases."""
    captions = {f"{n}.wav": {"a": [f"a {INSTRUMENTS[n % 4]} plays", "slow"]} for n in range(16)}
    truth = truth_of(instrument={f"{n}.wav": (INSTRUMENTS[n % 4],) for n in range(16)})
    row = row_of(label_truth(captions, truth), "all", "instrument")
    assert (row.share, row.low, row.high, row.recordings, row.labels) == (0.5, 0.5, 0.5, 16, 32)
    assert row.chance == pytest.approx(0.125)
    assert row.ratio == pytest.approx(4)
    assert row.p == 1 / 501
    assert row.chance < row.chance_high < row.share


def test_chance_is_the_mean_over_all_permutations() -> None:
    labels = {"a": ["piano", "piano and flute"], "b": ["flute", "tuba", "harp"], "c": ["piano"], "d": ["tuba"]}
    tags = {"a": ("piano", "tuba"), "b": ("flute",), "c": ("violin",), "d": ("piano",)}
    captions = {key: {"v": listed} for key, listed in labels.items()}
    row = row_of(label_truth(captions, truth_of(instrument=tags)), "all", "instrument")
    naming = Naming(caption for listed in labels.values() for caption in listed)
    hits = hit_shares(list(labels.values()), list(tags.values()), naming)
    np.testing.assert_allclose(hits[:2], [[1, 1 / 3, 1, 1], [0.5, 1 / 3, 0, 0]])
    exact = np.mean([np.mean([hits[i, j] for i, j in enumerate(order)]) for order in permutations(range(4))])
    assert row.chance == pytest.approx(exact)
    assert row.share == pytest.approx((1 + 1 / 3 + 0 + 0) / 4)


def test_p_is_uniform_where_truth_is_shuffled() -> None:
    rng = np.random.default_rng(0)
    words = [f"word{n}" for n in range(30)]
    found = []
    for _ in range(120):
        captions = {str(n): {"v": list(rng.choice(words, 8))} for n in range(16)}
        tags = {str(n): tuple(rng.choice(words, 8, replace=False)) for n in range(16)}
        hits = label_truth(captions, truth_of(genre=tags), permutations=99, seed=int(rng.integers(1 << 30)))
        found.append(row_of(hits, "all", "genre").p)
    assert kstest(np.array(found) - rng.uniform(0, 0.01, 120), "uniform").pvalue > 0.01


def test_kinds_and_vocabularies_have_rows_of_their_own() -> None:
    captions = {str(n): {"long": ["a jazz piece", "sad"], "short": [INSTRUMENTS[n % 4]]} for n in range(8)}
    tags = {str(n): (INSTRUMENTS[n % 4],) for n in range(8)}
    moods = {"0": ("sad",), "1": ("happy",), "none": ("sad",)}
    found = label_truth(captions, truth_of(instrument=tags, genre={"0": ("jazz",)}, mood=moods))
    kinds = ("all", "instrument", "mood")
    assert [(row.vocabulary, row.kind) for row in found.rows] == [(name, kind) for name in ("all", "long", "short") for kind in kinds]
    assert found.few == ("genre",)
    assert row_of(found, "short", "instrument").share == 1
    assert row_of(found, "long", "instrument").ratio is None
    assert row_of(found, "long", "mood").recordings == 2
    assert row_of(found, "long", "mood").share == 0.25
    assert row_of(found, "long", "mood").chance == 0.25


def test_examples_go_from_the_best_to_the_worst() -> None:
    captions = {"a": {"v": ["piano"]}, "b": {"v": ["piano", "tuba"]}, "c": {"v": ["harp"]}}
    found = label_truth(captions, truth_of(instrument={"a": ("piano",), "b": ("tuba",), "c": ("piano",)}))
    assert [example.key for example in found.examples] == ["a", "b", "c"]
    by_key = {example.key: example for example in found.examples}
    assert (by_key["a"].share, by_key["a"].chance) == (1, 0.25)
    assert (by_key["c"].share, by_key["c"].chance) == (0, 0.75)
    assert by_key["b"].named == ("tuba",)
    assert by_key["b"].others == ("piano",)


def test_nothing_depends_on_order_and_the_seed_counts() -> None:
    captions = {str(n): {"b": [INSTRUMENTS[n * n % 3], "x"], "a": ["tuba"]} for n in range(12)}
    tags = {str(n): (INSTRUMENTS[n % 4],) for n in range(12)}
    found = label_truth(captions, truth_of(instrument=tags))
    backwards = {key: dict(reversed(captions[key].items())) for key in reversed(captions)}
    assert label_truth(backwards, truth_of(instrument=dict(reversed(tags.items())))) == found
    assert label_truth(captions, truth_of(instrument=tags), seed=1) != found


def test_of_many_recordings_some_are_drawn() -> None:
    captions = {str(n): {"v": ["tuba"]} for n in range(50)}
    found = label_truth(captions, truth_of(instrument={str(n): ("tuba",) for n in range(50)}), most=10)
    assert row_of(found, "all", "all").recordings == 10
    assert found.recordings == 50


@pytest.mark.parametrize(
    ("tag", "caption", "names"),
    [
        ("drums", "Punchy Drums", True),
        ("drums", "a percussive loop", True),
        ("drums", "no drums", False),
        ("drums", "without drums", False),
        ("drums", "piano drum", True),
        ("bass", "bassoon", False),
        ("bass", "a deep bass.", True),
        ("guitar", "two guitars", True),
        ("lofi", "lo-fi hip hop", True),
        ("hip hop", "hip-hop", True),
        ("instrumental", "no vocals", True),
        ("c++ rock", "c++ rock anthem", True),
        ("art", "party", False),
    ],
)
def test_which_captions_name_a_tag(tag: str, caption: str, names: bool) -> None:
    assert bool(tag_pattern(tag).search(caption)) is names
    assert Naming(["other", caption]).by_tag(tag).tolist().count(True) == names


def test_the_words_of_the_data_file() -> None:
    words = truth_words()
    assert set(words.columns) == {"key", "tags", *KINDS}
    assert [tempo_word(beats) for beats in (40, 84, 100, 116, 400)] == ["slow", "medium tempo", "medium tempo", "fast", "fast"]
    assert all(name == name.casefold() for name in words.names)
