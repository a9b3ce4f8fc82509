"""Replies through the whole cleaning, Beam included: sentences a second and core, peak memory, what each rule took.

    python -m benchmarks.clean                    # 100 k and 1 M replies
    python -m benchmarks.clean --replies 20000

Replies are made up: three sentences composed from the built-in words, one in ten of them a sentence that a rule should take. Each size
runs in a process of its own, so that the peak is its own. `ru_maxrss` is the peak of that process, workers (threads) included.
"""

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from noise2music.flows.config import make_settings
from noise2music.labeling.captions.builtin.tags import tags_by_category
from noise2music.labeling.corpus.songs import Song, songs_table
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, part_of
from noise2music.labeling.schemas import SONGS, WRITE
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter
from noise2music.pipelines.written import written

SAMPLES = 10
SONGS_A_PART = 1000
FORMS = (
    "A {mood} {genre} track built on {instrument} and {other}.",
    "The {instrument} plays a {mood} melody over {other} at a {tempo}.",
    "{instrument} and {other} carry the harmony while a {mood} {genre} beat moves the piece forward.",
    "It has a {mood} character with {production} and a steady {genre} groove.",
    "Layers of {other} open slowly before the {instrument} takes the lead in a {mood} way.",
    "The recording sounds {mood}, with {production}, soft {instrument} and a little {other} in the background.",
)
BAD = (
    "As an AI language model, I cannot listen to {title}.",
    "{title} reached number one on the charts in 1987.",
    "You will love this {genre} song.",
    "It is a great song.",
    "The film follows a young detective who returns to his home town.",
    "Released on the album of the same name, it won two awards.",
)


def replies_table(songs: pa.Table, samples: int) -> pa.Table:
    """schemas.SONGS -> schemas.WRITE, `samples` made-up replies a song: a pure function of song id and sample."""
    ids, titles = songs.column("song_id").to_pylist(), songs.column("title").to_pylist()
    rows: dict[str, list[Any]] = {"song_id": [], "sample": [], "text": []}
    for song_id, title in zip(ids, titles, strict=True):
        rng = np.random.default_rng(int(song_id, 16))
        for sample in range(samples):
            rows["song_id"].append(song_id)
            rows["sample"].append(sample)
            rows["text"].append(" ".join(_sentence(rng, title) for _ in range(3)))
    fixed = {
        "repaired": pa.nulls(len(rows["text"]), pa.string()),
        **dict.fromkeys(("prompt_tokens", "completion_tokens"), [0] * len(rows["text"])),
    }
    return pa.table({**rows, **fixed}, WRITE)


def _sentence(rng: np.random.Generator, title: str) -> str:
    forms = BAD if rng.random() < 0.1 else FORMS
    tags = tags_by_category()
    words = {name: tags[name][rng.integers(len(tags[name]))] for name in ("genre", "mood", "tempo", "production", "instrument")}
    other = tags["instrument"][rng.integers(len(tags["instrument"]))]
    text = forms[rng.integers(len(forms))].format(title=title, other=other, **words)
    return text[0].upper() + text[1:]


def clean(root: str, replies: int, workers: int) -> dict[str, Any]:
    """One size: sentences read, captions kept, seconds, the peak memory of this process in MiB, and what was lost to each rule."""
    songs = max(1, replies // SAMPLES)
    raw = {
        "root": root,
        "parts": max(1, songs // SONGS_A_PART),
        "corpus": {"audio": "made-up"},
        "vocabulary": {"llm_long": {"kind": "written"}},
        "run": {"workers": workers},
    }
    session = Session(make_settings(raw, (), "clean"))
    listed = songs_table(Song(f"Evening Number {number}", f"Artist {number % 997}") for number in range(songs))
    numbers = np.array([part_of(song_id, session.settings.parts) for song_id in listed.column("song_id").to_pylist()])

    def made(stage: str, schema: pa.Schema, samples: int | None) -> Dataset:
        def make_parts(identity: Identity, parts: Sequence[int]) -> None:
            def tables(context: PartContext) -> Iterator[pa.Table]:
                mine = listed.filter(pa.array(numbers == context.part))
                yield replies_table(mine, samples) if samples else mine

            for part in parts:
                PartWriter(session.settings.root, identity, schema).write(part, tables)

        return session.build(stage, 0, make_parts, config={"made_up": songs})

    made("songs", SONGS, None)
    made("write", WRITE, SAMPLES)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    captions = written(session, "llm_long")
    stats = captions.manifest.stats
    return {
        "replies": replies,
        "sentences": int(stats["read"]),
        "captions": captions.manifest.rows,
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - cpu,
        "mib_before": before / 1024,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "lost": {name.removeprefix("lost:"): int(number) for name, number in stats.items() if name.startswith("lost:")},
    }


def main() -> None:
    """Print the figures of each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replies", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    for replies in arguments.replies:
        with tempfile.TemporaryDirectory() as folder, multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(clean, (str(Path(folder) / "root"), replies, arguments.workers))
        rate, core = found["sentences"] / found["seconds"], found["sentences"] / found["cpu"]
        print(
            f"{replies:,} replies, {found['sentences']:,} sentences -> {found['captions']:,} captions in {found['seconds']:.0f} s: "
            f"{rate:,.0f} sentences/s with {arguments.workers} workers, {core:,.0f} a CPU second; "
            f"peak {found['peak_mib']:.0f} MiB ({found['mib_before']:.0f} before)"
        )
        print("  lost: " + ", ".join(f"{name} {number:,}" for name, number in found["lost"].items()), flush=True)


if __name__ == "__main__":
    main()
