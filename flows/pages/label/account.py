"""The account of a labeling run: all that was found is used, excluded on purpose or dead, and the sums close."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from noise2music.flows.datasets import LabelDatasets, VocabularyDatasets
from noise2music.flows.pages.label.account_line import AccountLine
from noise2music.flows.pages.label.funnel import CAPTION_REASONS
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.parts import read_parquet
from noise2music.labeling.stages.embed import plan_clips

TOO_MANY, REST = "beyond max_clips", "rest of a track"
UNLABELLED = "unlabelled"


def account(datasets: LabelDatasets) -> tuple[AccountLine, ...]:
    """Every line of a finished run's account. What is found is counted in the first dataset that has it, the rest in those that follow.

    Memory: one part of the tracks and of the clips.
    """
    lines = [_files(datasets), _metadata(datasets), *_audio(datasets), _replies(datasets)]
    lines += [_captions(name, vocabulary) for name, vocabulary in datasets.vocabularies.items()]
    return tuple(line for line in lines if line is not None)


def _files(datasets: LabelDatasets) -> AccountLine | None:
    inventory, probe, ingest = datasets.inventory, datasets.probe, datasets.ingest
    if inventory is None or probe is None or ingest is None:
        return None
    ignored = _some(inventory.manifest.counted("ignored:"))
    found = inventory.manifest.rows + inventory.manifest.dead_rows + sum(ignored.values())
    excluded = Counter({f"not audio by its name ({suffix})": number for suffix, number in ignored.items()})
    for table in ingest.tables(["excluded"]):
        reasons = table.column("excluded").to_pylist()
        excluded.update(reason for reason in reasons if reason)
    used = ingest.manifest.rows - sum(excluded.values()) + sum(ignored.values())
    return AccountLine("files", "files", found, used, excluded, _dead(inventory, probe, ingest))


def _metadata(datasets: LabelDatasets) -> AccountLine | None:
    """Rows of the metadata table; None without one, and for runs that did not count them yet."""
    stats = datasets.inventory.manifest.stats if datasets.inventory else {}
    if "metadata_rows" not in stats:
        return None
    counts = {name.removeprefix("metadata_"): int(number) for name, number in stats.items() if name.startswith("metadata_")}
    excluded = {"same as another row": counts["rows_repeated"], "without a file": counts["without_file"]}
    dead = {"ambiguous_metadata": counts["rows_ambiguous"]}
    return AccountLine("metadata", "rows", counts["rows"], counts["rows_used"], _some(excluded), _some(dead))


def _audio(datasets: LabelDatasets) -> list[AccountLine]:
    """Milliseconds of readable recordings, and the clips that were cut from them."""
    probe, ingest, shard = datasets.probe, datasets.ingest, datasets.shard
    if probe is None or ingest is None or shard is None:
        return []
    found = sum(_sum(table, "duration_ms") for table in probe.tables(["duration_ms"]))
    audio, clips = _Sums(), _Sums()
    planned = 0
    for part in ingest.parts:
        tracks = ingest.read_part(part)
        for row in tracks.select(["duration_ms", "excluded", "clips"]).to_pylist():
            audio.excluded.update(_left_out(row["duration_ms"], row["excluded"], [clip["length_ms"] for clip in row["clips"]]))
        plans = {plan.title: plan for plan in plan_clips(tracks)}
        planned += len(plans)
        died = dict(item for dataset in (shard, datasets.embed) for item in _dead_keys(dataset, part))
        for title, reason in died.items():
            audio.dead[reason] += plans[title].length_ms if title in plans else 0
            clips.dead[reason] += 1
        labelled = _labelled(datasets, part)
        for title, plan in plans.items():
            if plan.clip_id not in labelled and title not in died:
                audio.excluded[UNLABELLED] += plan.length_ms
                clips.excluded[UNLABELLED] += 1
        written = shard.read_part(part, ["length_ms"])
        audio.used += _sum(written, "length_ms")
        clips.used += len(written)
    return [audio.line("audio", "ms", found), clips.line("clips", "clips", planned)]


@dataclass
class _Sums:
    used: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)

    def line(self, name: str, unit: str, found: int) -> AccountLine:
        return AccountLine(name, unit, found, self.used, +self.excluded, +self.dead)


def _labelled(datasets: LabelDatasets, part: int) -> set[str]:
    """Clips of one part that have a label of any vocabulary."""
    found: set[str] = set()
    for vocabulary in datasets.vocabularies.values():
        table = vocabulary.sample.read_part(part, ["clip_id", "labels.list.element.rank"])
        there = pc.greater(pc.list_value_length(table.column("labels")), 0)
        found.update(table.column("clip_id").filter(there).to_pylist())
    return found


def _left_out(duration_ms: int, excluded: str | None, clips: list[int]) -> dict[str, int]:
    """Milliseconds of a track that are in no clip, by reason."""
    if excluded:
        return {excluded: duration_ms}
    rest = duration_ms - sum(clips)
    longest = max(clips, default=0)
    return {TOO_MANY if longest and rest >= longest else REST: rest}


def _replies(datasets: LabelDatasets) -> AccountLine | None:
    if datasets.write is None:
        return None
    manifest = datasets.write.manifest
    return AccountLine("replies", "replies", int(manifest.stats.get("replies", 0)), manifest.rows, {}, manifest.dead_reasons)


def _captions(name: str, datasets: VocabularyDatasets) -> AccountLine:
    manifest = datasets.vocabulary.manifest
    read = int(manifest.stats.get("read", manifest.rows))
    return AccountLine(
        f"captions of {name}",
        "captions",
        read,
        datasets.embed_text.manifest.rows,
        {CAPTION_REASONS.get(reason, reason): number for reason, number in _some(manifest.counted("lost:")).items()},
        _dead(datasets.vocabulary, datasets.embed_text),
    )


def _some(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: number for name, number in counts.items() if number}


def _dead(*datasets: Dataset) -> Counter[str]:
    return sum((Counter(dataset.manifest.dead_reasons) for dataset in datasets), Counter[str]())


def _dead_keys(dataset: Dataset, part: int) -> list[tuple[str, str]]:
    record = dataset.manifest.parts[part]
    if record.dead is None:
        return []
    rows = read_parquet(dataset.store, f"{dataset.path}/{record.dead.path}", ["key", "reason"])
    return list(zip(rows.column("key").to_pylist(), rows.column("reason").to_pylist(), strict=True))


def _sum(table: pa.Table, column: str) -> int:
    return int(pc.sum(table.column(column)).as_py() or 0)
