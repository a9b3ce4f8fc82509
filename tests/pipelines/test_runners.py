"""The local runner: every element arrives whole, and a UserError from a worker is a UserError here."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import pyarrow as pa
import pytest

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, advance, read_parquet
from noise2music.pipelines.progress import progress_line, show_progress
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.settings import RunSettings
from noise2music.pipelines.spread import PartWriter, spread

SCHEMA = pa.schema([pa.field("part", pa.int64(), False)])
RUNS = [RunSettings(workers=1), RunSettings(workers=2)]


@dataclass(frozen=True)
class Slow:
    """Many keyed rows, written for longer than Beam's one second between flushes."""

    rows: int

    def __call__(self, worker: int) -> Iterator[tuple[str, tuple[int, str]]]:
        for row in range(self.rows):
            if row % (self.rows // 150) == 0:
                time.sleep(0.01)
            yield f"key {row}", (worker, "x" * (row % 50))


@dataclass(frozen=True)
class WriteGroups:
    path: str

    def __call__(self, groups: list[tuple[str, list[tuple[int, str]]]]) -> None:
        rows = {key: sorted(values) for key, values in groups}
        whole = all(values == [(worker, "x" * (int(key[4:]) % 50)) for worker in range(4)] for key, values in rows.items())
        Path(self.path).write_text(f"{len(rows)} {whole}")


@pytest.mark.parametrize("run", RUNS, ids=["one worker", "two threads"])
def test_a_slow_bundle_is_grouped_whole(run: RunSettings, tmp_path: Path) -> None:
    """Threads used to flush half an element once a second, which tore what was grouped."""
    pipeline = new_pipeline(run)
    _ = (
        pipeline
        | beam.Create(range(4))
        | beam.Reshuffle()
        | beam.FlatMap(Slow(6000))
        | beam.GroupByKey()
        | beam.MapTuple(lambda key, values: (key, list(values)))
        | beam.combiners.ToList()
        | beam.Map(WriteGroups(str(tmp_path / "found")))
    )
    run_pipeline(pipeline)
    assert (tmp_path / "found").read_text() == "6000 True"


@dataclass(frozen=True)
class Tables:
    fails: bool = False

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        if self.fails and context.part == 2:
            raise UserError("the file is gone [1]; put it back\nand run again")
        yield pa.table({"part": [context.part]}, SCHEMA)


@pytest.mark.parametrize(
    "run", [*RUNS, pytest.param(RunSettings(workers=2, mode="processes"), marks=pytest.mark.slow)], ids=["one", "threads", "processes"]
)
def test_every_part_is_written_and_a_user_error_arrives_as_it_was(run: RunSettings, tmp_path: Path) -> None:
    identity = Identity("numbers", "", 5, 1)
    writer = PartWriter(str(tmp_path), identity, SCHEMA)
    spread(run, writer, range(5), Tables())
    store = open_store(str(tmp_path))
    for part in range(5):
        assert read_parquet(store, f"{identity.path}/part-{part:05d}-of-00005.parquet").to_pylist() == [{"part": part}]
    with pytest.raises(UserError) as error:
        spread(run, PartWriter(str(tmp_path / "other"), identity, SCHEMA), range(5), Tables(fails=True))
    assert str(error.value) == "the file is gone [1]; put it back\nand run again"


def test_without_a_terminal_progress_is_a_line_of_the_log(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("noise2music.pipelines.progress._LOGGED_EVERY", 0.05)
    caplog.set_level("INFO", "n2m")
    with show_progress("a stage", 8):
        advance("a stage", 2)
        time.sleep(0.4)
    assert caplog.messages[0].startswith("a stage  25% 2/8  ")
    assert caplog.messages[0].endswith(" left")
    said = len(caplog.messages)
    time.sleep(0.1)
    assert len(caplog.messages) == said


def test_the_progress_line() -> None:
    assert progress_line("embed", 32, 80, 10.0) == "embed  40% 32/80  3.2/s  15 s left"
    assert progress_line("probe", 5, None, 2.0) == "probe  5  2.5/s"
    assert progress_line("embed", 10, 1000, 100.0) == "embed  1% 10/1,000  0.1/s  2.8 h left"
    assert progress_line("embed", 10, 210, 100.0).endswith("33 min left")


def test_a_runner_that_beam_does_not_know_is_one_error() -> None:
    with pytest.raises(UserError, match=r"Beam does not take run\.options = \['--runner=Foo'\]"):
        new_pipeline(RunSettings(runner="beam", options=("--runner=Foo",)))
