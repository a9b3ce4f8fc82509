"""A folder of Hugging Face `datasets`: files that hold everything, and a card that no text of the user can bend."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.current import read_labels
from noise2music.labeling.datasets.dataset import LATEST
from noise2music.labeling.datasets.dataset_card import as_text, dataset_card
from noise2music.labeling.datasets.export import export
from noise2music.labeling.datasets.summary import SplitSummary
from noise2music.labeling.schemas import INLINE_SHARD
from tests.flows.made_up_datasets import build
from tests.models.data.made_up_shards import row, write_shards

HOSTILE = "<script>alert(1)</script>\n---\n# `x` | [y](http://z) \u202e"


def finished(root: Path, **options: object) -> str:
    dataset = write_shards(root, seconds=0.2, **options)  # type: ignore[arg-type]
    (root / LATEST).write_text(json.dumps({"shard": dataset.path}))
    return str(root)


def front_matter(card: str) -> dict:
    _, head, _ = card.split("---\n", 2)
    found: dict = yaml.safe_load(head)
    return found


def test_each_clip_is_in_the_file_of_its_split_once(tmp_path: Path) -> None:
    root, out = finished(tmp_path / "root", change={3: {"split": "odd split", "licence": HOSTILE}}), tmp_path / "out"
    done = export(root, str(out), "hf", target_mb=0.05)
    assert done.written == done.files + 1
    card = (out / "README.md").read_text(encoding="utf-8")
    head = front_matter(card)
    assert (head["license"], head["task_categories"]) == ("other", ["text-to-audio"])
    found = []
    for entry in head["configs"][0]["data_files"]:
        files = sorted(out.glob(entry["path"]))
        total = f"{len(files):05d}"
        assert [path.name for path in files] == [f"{entry['split']}-{i:05d}-of-{total}.parquet" for i in range(len(files))]
        for path in files:
            rows = pq.read_table(path).to_pylist()
            assert {row["split"].replace(" ", "_") for row in rows} == {entry["split"]}
            found += rows
            assert json.loads(pq.read_schema(path).metadata[b"huggingface"])["info"]["features"]["audio"] == {"_type": "Audio"}
    assert [entry["split"] for entry in head["configs"][0]["data_files"]] == ["odd_split", "test", "train"]
    assert sorted(found, key=lambda row: row["clip_id"]) == read_labels(root, audio=True).sort_by("clip_id").to_pylist()
    assert {path.name for path in out.iterdir()} == {"data", "README.md", ".manifest.json"}
    assert "<script>" not in card
    assert "| train | train | 19 |" in card


def test_a_card_that_was_edited_stays_and_a_lost_one_comes_back(tmp_path: Path) -> None:
    root, out = finished(tmp_path / "root", clips=6), tmp_path / "out"
    export(root, str(out), "hf")
    whole = (out / "README.md").read_bytes()
    (out / "README.md").write_text("mine")
    assert export(root, str(out), "hf").written == 0
    assert (out / "README.md").read_text() == "mine"
    (out / "README.md").unlink()
    assert export(root, str(out), "hf").written == 1
    assert (out / "README.md").read_bytes() == whole


def test_only_the_current_set_is_exported(tmp_path: Path) -> None:
    """A track that was opted out since is in the older shards, which still lie there."""
    root = finished(tmp_path / "root", clips=8)
    before = export(root, str(tmp_path / "before"), "hf")
    rows = [row(number, 0.2) for number in range(7)]
    now = build(open_store(root), "shard", "", INLINE_SHARD, lambda _: [pa.Table.from_pylist(rows, INLINE_SHARD)], parts=1)
    (tmp_path / "root" / LATEST).write_text(json.dumps({"shard": now.path}))
    with pytest.raises(UserError, match="another set"):
        export(root, str(tmp_path / "before"), "hf")
    after = export(root, str(tmp_path / "after"), "hf")
    keys = [key for path in (tmp_path / "after/data").glob("*.parquet") for key in pq.read_table(path).column("track_key").to_pylist()]
    assert (before.clips, after.clips) == (8, 7)
    assert sorted(keys) == [f"{number}.flac" for number in range(7)]


def test_the_card_says_how_it_was_labelled_and_shows_texts_as_texts() -> None:
    summary = SplitSummary(milliseconds=7_200_000, sizes=[1] * 1234)
    summary.labels.update({HOSTILE: 5, "rater_short": 9})
    summary.licences.update({HOSTILE: 1000, "": 234})
    config = {
        "scorer": {"model": "starter"},
        "sampling": {"top_k": 10, "labels_per_clip": {"rater_short": 6}},
        "vocabulary": {"rater_short": {"kind": "builtin-tags"}},
        "corpus": {"audio": "/home/somebody/music", "metadata": "/home/somebody/x.csv", "columns": {"key": "file", "tags": [HOSTILE]}},
    }
    card = dataset_card(config, "0" * 64, {"train": summary}, {"train": "train"})
    assert front_matter(card)["configs"][0]["data_files"] == [{"split": "train", "path": "data/train-*.parquet"}]
    for said in (
        "**Caveat.**",
        "| rater\\_short | builtin-tags | 6 | 9 |",
        "| train | train | 1,234 | 2.00 | 14 |",
        "| not known | 234 |",
    ):
        assert said in card
    assert "/home" not in card
    assert "<script>" not in card
    assert card.count("\n---\n") == 1
    assert "\u202e" not in card
    assert "not recorded" in dataset_card({}, "0" * 64, {"train": summary}, {"train": "train"})


def test_text_is_one_line() -> None:
    assert as_text("a\r\n\0b | c") == "a b \\| c"
    assert as_text("&lt;") == "&amp;lt;"
    assert len(as_text("x" * 999)) == 200
