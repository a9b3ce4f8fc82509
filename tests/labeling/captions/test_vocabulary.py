"""A vocabulary from every kind of source, with every loss counted, whatever the order of its rows."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.errors import UserError
from noise2music.core.tally import Tally
from noise2music.labeling.captions.builtin import builtin_sentences, builtin_tags
from noise2music.labeling.captions.readers import RawCaption
from noise2music.labeling.captions.text import caption_key
from noise2music.labeling.captions.vocabulary import Variant, clean, keyed, merge, read_captions, vocabulary_table
from noise2music.labeling.schemas import VOCABULARY
from noise2music.labeling.settings import VocabularySettings

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
HEADER = "ytid,aspect_list,caption,is_audioset_eval\n"
ROWS = (
    """a,"['Piano', 'soft piano.', 'R&B', 'no drums']","A calm piano plays. No drums. It lasts 4.5 seconds, e.g. here.",False\n""",
    """b,"['piano', 'drums', '', 'r&b']","A calm piano plays! It is loud.",True\n""",
    """c,"['piano', ""singer's voice""]","First line.\nSecond line.",False\n""",
)

variants = st.builds(
    Variant, st.sampled_from(["Piano", "piano", "piano.", "PIANO"]), st.sampled_from(["train", "eval", "test", "dev"]), st.integers(1, 5)
)


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def read(kind: str, source: str | None = None, **options: Any) -> tuple[dict[str, tuple[int, str]], dict[str, float]]:
    """caption -> (occurrences, split), and the statistics."""
    table, stats = vocabulary_table("words", VocabularySettings(kind=kind, source=source, **options))
    assert table.schema == VOCABULARY
    assert table["caption_id"].to_pylist() == sorted(set(table["caption_id"].to_pylist()))
    assert stats["read"] == stats["captions"] + sum(value for name, value in stats.items() if name.startswith("lost:"))
    assert stats["captions"] == table.num_rows
    return {row["caption"]: (row["occurrences"], row["split"]) for row in table.to_pylist()}, stats


def test_musiccaps_aspects(tmp_path: Path) -> None:
    captions, stats = read("musiccaps-aspects", write(tmp_path, "m.csv", HEADER + "".join(ROWS)))
    assert captions == {
        "piano": (3, "eval"),
        "soft piano.": (1, "train"),
        "R&B": (2, "eval"),
        "no drums": (1, "train"),
        "drums": (1, "eval"),
        "singer's voice": (1, "train"),
    }
    assert stats == {"read": 10, "lost:duplicate": 3, "lost:empty": 1, "captions": 6}


def test_musiccaps_sentences(tmp_path: Path) -> None:
    captions, stats = read("musiccaps-sentences", write(tmp_path, "m.csv", HEADER + "".join(ROWS)))
    assert captions == {
        "A calm piano plays!": (2, "eval"),
        "No drums.": (1, "train"),
        "It lasts 4.5 seconds, e.g. here.": (1, "train"),
        "It is loud.": (1, "eval"),
        "First line.": (1, "train"),
        "Second line.": (1, "train"),
    }
    assert stats["lost:duplicate"] == 1


@pytest.mark.parametrize(("split", "count"), [("all", 6), ("train", 5), ("eval", 3)])
def test_musiccaps_rows_of_one_split(tmp_path: Path, split: str, count: int) -> None:
    captions, _ = read("musiccaps-aspects", write(tmp_path, "m.csv", HEADER + "".join(ROWS)), caption_split=split)
    assert len(captions) == count
    assert split == "all" or {found for _, found in captions.values()} == {split}


def test_rows_in_any_order_give_the_same_table(tmp_path: Path) -> None:
    forward = VocabularySettings(kind="musiccaps-aspects", source=write(tmp_path, "f.csv", HEADER + "".join(ROWS)))
    backward = VocabularySettings(kind="musiccaps-aspects", source=write(tmp_path, "b.csv", HEADER + "".join(reversed(ROWS))))
    assert vocabulary_table("words", forward) == vocabulary_table("words", backward)


def test_bad_rows_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    evil = "__import__('os').system('false')"
    bad = (
        f'd,"{evil}",text,False\n',
        "e,\"[1, 'harp', None]\",text,False\n",
        "f,\"['lute']\",text,perhaps\n",
        "g,too short\n",
        f'h,"{"[" * 5000}",text,False\n',
    )
    content = (HEADER + "".join((*bad, *ROWS))).encode() + b"i,\"['\xff\xfe']\",x,False\n" + b'j,"' + b"x" * 200_000 + b'",x,False\n'
    captions, stats = read("musiccaps-aspects", write(tmp_path, "m.csv", content))
    assert "harp" in captions
    assert "lute" not in captions
    lost = {name: count for name, count in stats.items() if name.startswith("lost:") and name not in ("lost:duplicate", "lost:empty")}
    assert lost == {
        "lost:bad_aspect_list": 2,
        "lost:not_text": 2,
        "lost:bad_split": 1,
        "lost:bad_row": 1,
        "lost:not_utf8": 1,
        "lost:too_long": 1,
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tags.txt", "\ufeffharp\n\n  Lute \nharp\n"),
        ("tags.csv", "harp\nLute\nharp\n"),
        ("tags.csv", "caption\nharp\nLute\nharp\n"),
        ("tags.csv", "id,caption\n1,harp\n2,Lute\n3,harp\n"),
        ("tags.json", '["harp", "Lute", "harp"]'),
        ("tags.json", '{"harp": 2, "Lute": 1}'),
        ("tags.json", '{"plucked": [["harp", 2]], "old": ["Lute"]}'),
    ],
)
def test_tag_lists(tmp_path: Path, name: str, content: str) -> None:
    captions, _ = read("tags", write(tmp_path, name, content))
    assert captions == {"harp": (2, "train"), "Lute": (1, "train")}


def test_bad_tags_are_counted(tmp_path: Path) -> None:
    captions, stats = read(
        "tags", write(tmp_path, "tags.json", json.dumps({"harp": 0, "lute": True, "drum": "x", "oud": 3, "more": [7, None]}))
    )
    assert captions == {"oud": (3, "train")}
    assert (stats["lost:bad_count"], stats["lost:not_text"]) == (3, 2)
    captions, stats = read("tags", write(tmp_path, "tags.txt", b"harp\n\xff\xfe\n" + b"x" * 5000 + b"\n...\n"))
    assert set(captions) == {"harp"}
    assert stats == {"read": 4, "lost:empty": 1, "lost:not_utf8": 1, "lost:too_long": 1, "captions": 1}


def test_lines_of_json(tmp_path: Path) -> None:
    lines = [
        {"text": "a harp", "split": "test"},
        {"text": "A harp."},
        {"text": 7},
        {"other": "x"},
        ["a"],
        {"text": "a lute", "split": None},
    ]
    content = "\n".join(json.dumps(line) for line in lines) + "\n{broken\n"
    captions, stats = read("jsonl", write(tmp_path, "c.jsonl", content), column="text")
    assert captions == {"A harp.": (2, "test")}
    assert (stats["lost:bad_row"], stats["lost:duplicate"]) == (5, 1)


@pytest.mark.parametrize(
    ("kind", "name", "content", "options", "message"),
    [
        (
            "musiccaps-aspects",
            "m.csv",
            "ytid,aspect_lst,caption,is_audioset_eval\n",
            {},
            "no column 'aspect_list': did you mean 'aspect_lst'",
        ),
        ("musiccaps-aspects", "m.csv", "", {}, "is empty"),
        ("jsonl", "c.jsonl", '{"caption_text": "harp"}\n', {}, "no column 'caption': did you mean 'caption_text'"),
        ("tags", "t.csv", "id,tags\n1,harp\n", {"column": "tag"}, "no column 'tag': did you mean 'tags'"),
        ("tags", "t.json", "{", {}, "is not JSON"),
    ],
)
def test_wrong_sources_name_what_is_there(
    tmp_path: Path, kind: str, name: str, content: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match="vocabulary words") as raised:
        read(kind, write(tmp_path, name, content), **options)
    assert message in str(raised.value)


ASPECTS = {"calm piano": (1, "train"), "soft strings": (1, "train")}


@pytest.mark.parametrize(
    "cell",
    [
        "['calm piano', 'soft strings']",
        '["calm piano", "soft strings"]',
        "['calm piano' 'soft strings']",
        "['calm piano'\n 'soft strings']",
        "calm piano, soft strings",
        "calm piano|soft strings",
        "{'calm piano': 0.9, 'soft strings': 1, 'drums': 0}",
    ],
)
@pytest.mark.parametrize("separator", [",", ";"])
def test_aspects_in_every_form_of_a_list(tmp_path: Path, cell: str, separator: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    lines = [HEADER.strip().split(","), ["a", quoted, "text", "False"]]
    source = write(tmp_path, "m.csv", "".join(separator.join(line) + "\n" for line in lines))
    assert read("musiccaps-aspects", source)[0] == ASPECTS


def test_lists_and_truth_values_of_parquet(tmp_path: Path) -> None:
    rows = [{"aspect_list": list(ASPECTS), "caption": "A calm piano.", "is_audioset_eval": False}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "m.parquet")
    assert read("musiccaps-aspects", str(tmp_path / "m.parquet"))[0] == ASPECTS


def test_a_list_that_numpy_cut_is_lost_with_its_reason(tmp_path: Path) -> None:
    content = HEADER + "a,['x' 'y' ... 'z'],text,False\nb,['k'],text,False\n"
    captions, stats = read("musiccaps-aspects", write(tmp_path, "m.csv", content))
    assert (set(captions), stats["lost:cut_list"]) == ({"k"}, 1)


def test_captions_that_are_lists_and_files_that_are_arrays(tmp_path: Path) -> None:
    lists = write(tmp_path, "a.jsonl", json.dumps({"caption": ["A harp.", "A lute."]}) + "\n" + json.dumps({"caption": "An oud."}) + "\n")
    array = write(tmp_path, "a.json", json.dumps([{"caption": "A harp."}, {"caption": ["A lute.", "An oud."]}], indent=1))
    assert set(read("jsonl", lists)[0]) == set(read("jsonl", array)[0]) == set(read("tags", array)[0]) == {"A harp.", "A lute.", "An oud."}


@pytest.mark.parametrize(
    ("kind", "name", "content", "words"),
    [
        ("tags", "t.txt", "", "holds no caption"),
        ("tags", "t.csv", "caption\n", "holds no caption"),
        ("tags", "t.csv", "", "is empty"),
        ("tags", "t.json", "[]", "holds no caption"),
        ("jsonl", "t.jsonl", "\n\n", "holds no caption"),
        ("jsonl", "t.jsonl", '{"caption": 7}\n{broken\n', "Lost: 2 x bad_row, for example"),
        ("tags", "t.csv", "caption\nnan\n...\n", "Lost: 1 x empty, 1 x missing"),
        ("musiccaps-aspects", "m.csv", HEADER + "a,['x' ... 'y'],text,False\n", "Lost: 1 x cut_list, for example"),
        ("musiccaps-aspects", "m.csv", HEADER, "holds no caption"),
    ],
)
def test_an_empty_vocabulary_is_one_line(tmp_path: Path, kind: str, name: str, content: str, words: str) -> None:
    with pytest.raises(UserError, match="vocabulary words: ") as caught:
        read(kind, write(tmp_path, name, content))
    assert words in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_source_names_the_nearest_file(tmp_path: Path) -> None:
    write(tmp_path, "musiccaps.csv", HEADER)
    with pytest.raises(UserError, match=r"did you mean musiccaps\.csv"):
        read("musiccaps-aspects", str(tmp_path / "musicaps.csv"))
    with pytest.raises(UserError, match="needs a source"):
        read("tags")
    with pytest.raises(UserError, match="cannot read"):
        read("tags", str(tmp_path))


def test_a_source_in_an_object_store_is_a_local_one_too(tmp_path: Path) -> None:
    source = write(tmp_path, "tags.txt", "harp\n")
    assert read("tags", f"file://{source}") == read("tags", source)


def test_builtin_is_tags_and_sentences() -> None:
    tags, _ = read("builtin-tags")
    sentences, _ = read("builtin-sentences")
    both, stats = read("builtin")
    assert set(tags) == {tag.text for tag in builtin_tags() if tag.is_label}
    assert set(sentences) == set(builtin_sentences())
    assert both == tags | sentences
    assert set(stats) == {"read", "captions"}


@given(st.lists(variants, min_size=1, max_size=12).flatmap(lambda group: st.tuples(st.just(group), st.permutations(group))))
def test_merge_does_not_depend_on_the_order(groups: tuple[list[Variant], list[Variant]]) -> None:
    first, shuffled = (merge("piano", group) for group in groups)
    assert first == shuffled
    spellings = Counter[str]()
    for variant in groups[0]:
        spellings[variant.text] += variant.occurrences
    assert first["occurrences"] == sum(variant.occurrences for variant in groups[0])
    assert spellings[first["caption"]] == max(spellings.values())
    splits = {variant.split for variant in groups[0]}
    assert first["split"] == next(split for split in ("eval", "dev", "test", "train") if split in splits)


@given(st.lists(st.text(max_size=12)))
def test_nothing_disappears_uncounted(texts: list[str]) -> None:
    groups, losses = clean(RawCaption(text) for text in texts)
    assert len(groups) + losses.total() == len(texts)
    assert "" not in groups
    assert all(caption_key(variant.text) == key for key, group in groups.items() for variant in group)


def test_keyed_bounds_the_length() -> None:
    losses = Counter[str]()
    pairs = list(keyed([RawCaption("a " * 600), RawCaption(" " * 5000 + "harp")], losses))
    assert [key for key, _ in pairs] == ["harp"]
    assert losses == {"too_long": 1}


@pytest.mark.skipif(
    not (SHARED / "data/text/musiccaps-public.csv").exists(), reason="the shared MusicCaps captions are not on this machine"
)
def test_the_real_musiccaps() -> None:
    source = str(SHARED / "data/text/musiccaps-public.csv")
    aspects, stats = read("musiccaps-aspects", source)
    assert {"piano", "no drums", "low quality"} <= set(aspects)
    assert 12_000 < len(aspects) < 14_000
    assert "lost:bad_aspect_list" not in stats
    losses = Tally()
    sentences = list(read_captions("long", VocabularySettings(kind="musiccaps-sentences", source=source), losses))
    assert 20_000 < len(sentences) < 23_000
    assert losses.lost["fragment"] < 10


def test_builtin_labels_do_not_say_what_is_missing_but_for_voices() -> None:
    """Scorers give "no guitar" to guitars."""
    texts = {caption.text for caption in read_captions("words", VocabularySettings(kind="builtin-tags"), Tally())}
    assert {"guitar", "no vocals"} <= texts
    assert not texts & {"no guitar", "no piano", "no drums", "no beat"}
    assert len(texts) >= 600
