"""The built-in scorer as a whole: its protocol, its space, its fit, and that what ships finds real music."""

from pathlib import Path

import numpy as np
import pytest
import torch

from noise2music.core.errors import UserError
from noise2music.core.ids import hash_uniform
from noise2music.labeling.scorers import starter
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.scorers.minilm import load_minilm
from noise2music.labeling.scorers.musicnn import load_taggers
from noise2music.labeling.scorers.starter import (
    REFERENCE,
    TAGS,
    TEXT_MAP,
    Reference,
    Starter,
    TextMap,
    audio_vectors,
    load_starter,
    provenance,
    read_text_map,
    reference_statistics,
    text_vectors,
    write_arrays,
)
from scripts.starter_scorer.fit import fit_text_map
from scripts.starter_scorer.mentions import PATTERNS, tag_mentions
from scripts.starter_scorer.recall import Recordings, measure_recall, read_recordings, term_areas

SHARED = Path(__file__).resolve().parents[3].parent / "shared"


@pytest.fixture(scope="module")
def scorer() -> Starter:
    torch.set_num_threads(1)
    try:
        return load_starter()
    except UserError as error:
        pytest.skip(str(error))


def uniform(*shape: int, seed: int = 0) -> np.ndarray:
    return hash_uniform(seed, np.arange(np.prod(shape), dtype=np.uint64)).reshape(shape).astype(np.float32)


def test_meets_the_protocol(scorer: Starter) -> None:
    held: Scorer = scorer
    batch = held.preprocess(uniform(16000 * 7) - 0.5)
    outputs = held.encode_audio(batch).numpy()
    vector = held.pool(outputs)
    text = held.embed_text(["piano", "techno with a drum machine"])
    assert (outputs.shape, vector.shape) == ((len(batch), 100), (held.dim,))
    assert (text.joint_embeddings.shape, text.text_embeddings.shape) == ((2, held.dim), (2, held.text_dim))
    assert {array.dtype for array in (outputs, vector, text.joint_embeddings, text.text_embeddings)} == {np.dtype(np.float32)}
    for rows in (vector[None], text.joint_embeddings, text.text_embeddings):
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(held.embed_text(["techno with a drum machine"]).joint_embeddings[0], text.joint_embeddings[1])


def test_identity_depends_on_what_ships(scorer: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_starter().identity == scorer.identity
    shipped = read_text_map()
    monkeypatch.setattr(starter, "read_text_map", lambda: TextMap(shipped.centre, shipped.weights * np.float32(1.0001)))
    assert load_starter().identity != scorer.identity
    monkeypatch.undo()
    monkeypatch.setattr(starter, "VERSION", 2)
    assert load_starter().identity != scorer.identity


def test_score_is_the_one_of_the_recipe() -> None:
    """cos((p - m) / sqrt(s), ((e - c) W) sqrt(s)), computed the long way."""
    p, e, weights = uniform(3, 100, seed=1), uniform(4, 384, seed=2), uniform(384, 100, seed=3) - 0.5
    reference = Reference(uniform(100, seed=4), uniform(100, seed=5) + 0.1)
    text_map = TextMap(uniform(384, seed=6), weights.astype(np.float32))
    scores = audio_vectors(p, reference) @ text_vectors(e, text_map, reference).T
    for row in range(3):
        for column in range(4):
            audio = (p[row] - reference.mean) / np.sqrt(reference.spread)
            text = ((e[column] - text_map.centre) @ text_map.weights) * np.sqrt(reference.spread)
            assert scores[row, column] == pytest.approx(audio @ text / np.linalg.norm(audio) / np.linalg.norm(text), abs=1e-5)


def test_reference_statistics() -> None:
    values = np.array([[0, 1], [1, 1], [2, 1]], np.float32)
    statistics = reference_statistics(values)
    np.testing.assert_allclose(statistics.mean, [1, 1])
    np.testing.assert_allclose(statistics.spread, [np.sqrt(2 / 3), 1e-4])
    with pytest.raises(ValueError, match="two recordings"):
        reference_statistics(values[:1])


def test_arrays_round_trip(tmp_path: Path) -> None:
    made = TextMap(uniform(384), uniform(384, 100))
    write_arrays(tmp_path / "map", {"centre": made.centre, "weights": made.weights}, {"seed": "1"})
    read = read_text_map(tmp_path / "map")
    np.testing.assert_array_equal(read.centre, made.centre)
    np.testing.assert_array_equal(read.weights, made.weights)
    assert provenance(tmp_path / "map") == {"seed": "1"}


def test_shipped_data_is_small_and_says_what_it_was_made_from() -> None:
    assert REFERENCE.stat().st_size + TEXT_MAP.stat().st_size < 300_000
    assert int(provenance(REFERENCE)["recordings"]) >= 20
    assert provenance(TEXT_MAP)["sentences"] == "20000"


@pytest.mark.parametrize(
    ("caption", "present", "absent"),
    [
        ("A Woman sings over an acoustic guitar", {"female", "female vocal", "vocals", "guitar", "acoustic"}, {"male", "man", "piano"}),
        ("a male voice raps on a boom bap beat", {"male vocal", "Hip-Hop", "90s", "beat"}, {"female"}),
        ("Upbeat house music, no vocals and no drums", {"House", "happy", "no vocals", "techno"}, {"vocals", "voice", "drums"}),
        ("instrumental jazz piano without any guitar", {"instrumental", "no voice", "jazz", "piano"}, {"guitar", "vocal"}),
        ("heavy metal with double kick drums", {"heavy metal", "metal", "drums", "rock"}, {"country", "quiet"}),
        ("a popular harpist", set(), {"pop", "harpsichord"}),
    ],
)
def test_mentions(caption: str, present: set[str], absent: set[str]) -> None:
    (row,) = tag_mentions([caption])
    found = {tag for tag, mentioned in zip(TAGS, row, strict=True) if mentioned}
    assert present <= found
    assert not absent & found


def test_every_tag_has_a_pattern_that_finds_its_name() -> None:
    assert set(PATTERNS) == set(TAGS)
    mentioned = tag_mentions(TAGS)
    assert [tag for row, tag in enumerate(TAGS) if not mentioned[row, row]] == []


def test_fit_recovers_what_is_linear_and_ridge_shrinks_it() -> None:
    """Mentions that a half-space of the vectors decides are ranked by the fitted map; more ridge, smaller weights."""
    meaning = uniform(4000, 384, seed=8) - np.float32(0.5)
    mentions = (meaning[:, :100] > 0.1).astype(np.float32)
    weights, centre = np.ones(len(meaning), np.float32), meaning.mean(0)
    fitted = fit_text_map(meaning[:3000], mentions[:3000], weights[:3000], centre, 1.0)
    predicted = (meaning[3000:] - centre) @ fitted.weights
    assert np.mean((predicted > 0.1) == (mentions[3000:] > 0)) > 0.8
    shrunk = fit_text_map(meaning[:3000], mentions[:3000], weights[:3000], centre, 1000.0)
    assert np.abs(shrunk.weights).mean() < 0.5 * np.abs(fitted.weights).mean()


def test_weight_two_counts_a_caption_twice() -> None:
    meaning, mentions = uniform(60, 384, seed=9), (uniform(60, 100, seed=10) > 0.5).astype(np.float32)
    doubled = np.r_[np.arange(60), np.arange(10)]
    weights = np.r_[np.full(10, 2), np.ones(50)].astype(np.float32)
    centre = meaning.mean(0)
    once = fit_text_map(meaning, mentions, weights, centre, 1.0)
    twice = fit_text_map(meaning[doubled], mentions[doubled], np.ones(70, np.float32), centre, 1.0)
    np.testing.assert_allclose(once.weights, twice.weights, atol=1e-4)


def test_recall_by_hand() -> None:
    """Recordings that shout the tag their description names are found at once; with the descriptions swapped they are not."""
    kinds = np.arange(12) % 4
    probabilities = np.full((12, 100), 0.1, np.float32) + 0.01 * uniform(12, 100)
    probabilities[np.arange(12), kinds] = 0.9
    text_map = TextMap(np.zeros(384, np.float32), np.eye(384, 100, dtype=np.float32))
    meaning = np.eye(4, 384, dtype=np.float32)
    everything = np.ones(12, bool)

    def recall_with(own: np.ndarray) -> tuple[float, float]:
        artists = np.array([f"artist {number // 4}" for number in range(12)])
        recordings = Recordings(tuple(map(str, range(12))), probabilities, artists, ("a", "b", "c", "d"), meaning, own)
        recall = measure_recall(recordings, text_map, everything, everything)
        assert recall.guess_text == (0.25, 1.0, 1.0)
        return recall.audio_to_text[0], recall.text_to_audio[0]

    assert recall_with(kinds) == (1.0, 1.0)
    assert recall_with((kinds + 1) % 4) == (0.0, 0.0)


def test_term_areas_by_hand() -> None:
    """A term whose tag rises where it is named, one where it falls, and one that too few recordings name."""
    texts = ("rising, falling", "other", "rare")
    own = np.array([0] * 5 + [1] * 6 + [2])
    probabilities = np.full((12, 100), 0.1, np.float32) + 1e-3 * uniform(12, 100)
    probabilities[:5, 0], probabilities[:5, 1] = 0.8, 0.01
    artists = np.array([str(number) for number in range(12)])
    recordings = Recordings(tuple(artists), probabilities, artists, texts, np.zeros((3, 384), np.float32), own)
    rows = {"rising": 0, "falling": 1, "other": 2}
    text_map = TextMap(np.zeros(384, np.float32), np.eye(384, 100, dtype=np.float32))
    areas = term_areas(recordings, lambda terms: np.eye(3, 384, dtype=np.float32)[[rows[term] for term in terms]], text_map, own >= 0)
    assert areas.keys() == {"rising", "falling", "other"}
    assert (areas["rising"], areas["falling"]) == ((5, 1.0), (5, 0.0))


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "data" / "music").is_dir(), reason="the shared recordings are not here")
def test_finds_real_music() -> None:
    """The shipped map against the figures of docs/starter.md, leaving one artist out."""
    torch.set_num_threads(1)
    music = SHARED / "data" / "music"
    recordings = read_recordings(load_taggers(), load_minilm(), music, music / "manifest.csv")
    in_reference = np.array(["sonic-pi" not in file for file in recordings.files])
    recall = measure_recall(recordings, read_text_map(), in_reference, in_reference)
    assert recall.audio_to_text[1] > 2 * recall.guess_text[1]
    assert recall.audio_to_text[2] > 0.8
