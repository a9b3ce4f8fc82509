"""The evaluation flow: a whole run, the same bytes whatever the order, workers and cache, and one message for each thing that is wrong."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from click.testing import CliRunner

from noise2music.core.errors import UserError
from noise2music.evaluation.embedders.base import Embedder
from noise2music.evaluation.results import Row, read_results
from noise2music.evaluation.settings import EvaluateRun, EvaluateSettings
from noise2music.flows import evaluate as flow
from noise2music.flows.cli import n2m
from noise2music.flows.evaluate import evaluate_clips
from noise2music.flows.generate import generate
from noise2music.flows.results import Evaluated
from noise2music.labeling.datasets.dataset import LATEST
from tests.evaluation.small_networks import Frames, Pairs, load_small
from tests.evaluation.sounds import RATE, keys, tone, write_clips, write_prompts
from tests.flows.generation import small_job
from tests.models.data.made_up_shards import write_shards

CLIPS = 9


def settings(folder: Path, *systems: str, **changes: Any) -> EvaluateSettings:
    raw: dict[str, Any] = {
        "clips": [f"{name}={folder / name}" for name in systems],
        "reference": str(folder / "real"),
        "out": str(folder / "out"),
        "prompts": str(folder / "prompts.csv"),
        "permutations": 4,
        "shown": 0,
        "run": {"cache": ""},
    }
    return EvaluateSettings.model_validate(raw | changes)


def run(what: EvaluateSettings, networks: Sequence[Embedder] | None = None) -> Evaluated:
    return evaluate_clips(what, networks or [Frames(), Pairs()])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_clips(tmp_path / "real", CLIPS, salt="real")
    write_clips(tmp_path / "good", CLIPS)
    write_clips(tmp_path / "noisy", CLIPS - 1, noise=1.0, salt="noise")
    write_prompts(tmp_path / "prompts.csv", CLIPS)
    return tmp_path


def row(done: Evaluated, system: str, network: str, metric: str) -> Row:
    (found,) = [item for item in done.results.rows if (item.system, item.network, item.metric) == (system, network, metric)]
    return found


def table(folder: Path, out: str = "out") -> bytes:
    return (folder / out / "results.parquet").read_bytes()


def test_a_whole_evaluation(folder: Path) -> None:
    done = run(settings(folder, "good", "noisy", permutations=19, shown=1))
    good, noisy = (row(done, system, "bands", "fad") for system in ("good", "noisy"))
    assert good.value < noisy.value
    assert noisy.p == 0.05
    assert (good.clips, good.rows, good.dimension, good.enough) == (CLIPS, 8 * CLIPS, 6, False)
    assert good.protocol == f"paper {flow.read_protocol('paper').digest}"
    assert good.identity == "b" * 64
    assert row(done, "good", "pairs", "text").value > row(done, "noisy", "pairs", "text").value
    assert row(done, "good", "pairs", "audio").value > row(done, "reference, shuffled", "pairs", "audio").value
    assert row(done, "reference", "pairs", "text").value > row(done, "reference, shuffled", "pairs", "text").value
    assert row(done, "good", "bands", "tags").value < row(done, "noisy", "bands", "tags").value
    assert row(done, "noisy", "", "level").value > row(done, "good", "", "level").value
    assert dict(done.results.missing["noisy"]) == {"k08": "no file"}
    assert pq.read_table(folder / "out/results.parquet").to_pylist() == json.loads((folder / "out/results.json").read_text())["rows"]
    assert read_results(str(folder / "out")).rows == done.results.rows
    page = (folder / "out/index.html").read_text()
    for said in ("noisy: 1 of 9 clips are missing (k08)", "Not comparable", "fewer than 4 effective rows", "a high tone", "FAD (bands)"):
        assert said in page
    played = sorted(path.stem for path in (folder / "out/clips").glob("*.flac"))
    assert played == sorted(path.stem for path in (folder / "out/clips").glob("*.png"))
    assert all(f"clips/{name}.flac" in page for name in played)


def test_the_same_bytes_whatever_the_order_the_workers_and_the_cache(folder: Path, tmp_path: Path) -> None:
    run(settings(folder, "good", "noisy"))
    first = table(folder)
    cache = str(tmp_path / "cache")
    frames = Frames()
    for number, workers in enumerate((1, 3, 2)):
        what = settings(folder, *(("good", "noisy") if number else ("noisy", "good")), out=str(folder / "again"))
        run(what.model_copy(update={"run": what.run.model_copy(update={"workers": workers, "cache": cache})}), [Pairs(), frames])
        assert table(folder, "again") == first
    assert len(frames.heard) == 3 * CLIPS - 1  # Each clip once.


def test_flac_and_doubled_stereo_are_the_same(folder: Path) -> None:
    run(settings(folder, "good"))
    first = table(folder)
    for path in sorted((folder / "good").glob("*.wav")):
        audio, rate = soundfile.read(path, dtype="int16")
        soundfile.write(path.with_suffix(".flac"), np.stack([audio, audio], axis=1), rate)
        path.unlink()
    run(settings(folder, "good"))
    assert table(folder) == first


def test_statistics_stand_for_the_clips(folder: Path) -> None:
    with_clips = run(settings(folder, "good"))
    for place in (folder / "out/statistics", folder / "out/statistics/bands.safetensors"):
        found = run(settings(folder, "good", reference=str(place), out=str(folder / "by")), [Frames()])
        ours, theirs = row(found, "good", "bands", "fad"), row(with_clips, "good", "bands", "fad")
        assert ours.value == pytest.approx(theirs.value, rel=1e-6)
        assert (ours.reference, ours.reference_clips, ours.p) == (theirs.reference, CLIPS, None)
    assert {item.metric for item in found.results.rows} == {"fad", "level"}


def test_statistics_of_another_network_or_protocol(folder: Path) -> None:
    run(settings(folder, "good"))
    statistics = str(folder / "out/statistics")
    with pytest.raises(UserError, match=r"statistics of another network: of bands \(bbb.*and the figures are by bands \(ddd"):
        run(settings(folder, "good", reference=statistics), [Frames(identity="d" * 64)])
    with pytest.raises(UserError, match="there are no statistics of other"):
        run(settings(folder, "good", reference=statistics), [Frames(name="other")])
    with pytest.raises(
        UserError, match=r"is of another protocol: part is middle there and whole here; seconds is 10 there and not set here"
    ):
        run(settings(folder, "good", reference=statistics, protocol="whole"))
    np.savez(folder / "fma.npz", **{"bands.mu": np.zeros(7), "bands.cov": np.eye(7)})
    with pytest.raises(UserError, match="statistics of 7 dimensions, and bands gives 6"):
        run(settings(folder, "good", reference=str(folder / "fma.npz")), [Frames()])


def test_statistics_of_fadtk(folder: Path) -> None:
    np.savez(folder / "fma.npz", **{"bands.mu": np.zeros(6), "bands.cov": np.eye(6)})
    done = run(settings(folder, "good", reference=str(folder / "fma.npz")), [Frames()])
    assert row(done, "good", "bands", "fad").value > 0
    assert any("does not say of which weights" in said for said in done.results.said)


def test_earlier_results_beside(folder: Path) -> None:
    run(settings(folder, "noisy", out=str(folder / "earlier")))
    done = run(settings(folder, "good", beside=[str(folder / "earlier")]))
    assert {item.system for item in done.results.rows if item.metric == "fad"} == {"good", "noisy"}
    with pytest.raises(UserError, match=r"cannot stand beside these figures: part is middle there and whole here"):
        run(settings(folder, "good", protocol="whole", beside=[str(folder / "earlier")]))
    with pytest.raises(UserError, match="bands has other weights"):
        run(settings(folder, "good", beside=[str(folder / "earlier")]), [Frames(identity="e" * 64)])
    soundfile.write(folder / "real/k00.wav", tone("k05"), RATE)
    with pytest.raises(UserError, match=r"the reference is real \(9 clips\) there and real \(9 clips\) here, with other audio"):
        run(settings(folder, "good", beside=[str(folder / "earlier")]))
    (folder / "x.json").write_text("{}")
    with pytest.raises(UserError, match=r"x\.json is no results\.json"):
        run(settings(folder, "good", beside=[str(folder / "x.json")]))


def test_bad_clips_are_named_and_the_others_go_on(folder: Path) -> None:
    good = folder / "good"
    (good / "k00.wav").write_text("this is a text")
    soundfile.write(good / "k01.wav", np.zeros(2 * RATE), RATE)
    soundfile.write(good / "k02.wav", np.where(np.arange(2 * RATE) == 9, np.nan, 0.1), RATE, subtype="FLOAT")
    soundfile.write(good / "k03.wav", tone("k03", 0.9), RATE)
    soundfile.write(good / "k04.wav", tone("k04") * 32768, RATE, subtype="FLOAT")
    shutil.copy(good / "k05.wav", good / "k06.wav")
    (good / "notes.txt").write_text("a text")
    done = run(settings(folder, "good"))
    reasons = {key: said.split(":")[0] for key, said in done.results.dead["good"].items()}
    assert reasons == {"k00": "not_audio", "k01": "silent", "k02": "not_finite", "k03": "too_short", "k04": "not_full_scale"}
    assert dict(done.results.copies["good"]) == {"k06": "k05"}
    assert row(done, "good", "bands", "fad").clips == 4
    page = (folder / "out/index.html").read_text()
    for said in (
        "files in",
        "1 x txt",
        "1 clips are copies of another (k06 = k05): of 4 clips 3 are different",
        "k03</span> dead: too_short",
    ):
        assert said in page


def test_int16_and_float_files_of_the_same_samples_are_the_same(folder: Path) -> None:
    run(settings(folder, "good"))
    first = table(folder)
    for path in sorted((folder / "good").glob("*.wav")):
        audio, rate = soundfile.read(path, dtype="int16")
        soundfile.write(path, (audio / np.float32(32768)).astype(np.float32), rate, subtype="FLOAT")
    run(settings(folder, "good"))
    assert table(folder) == first


def test_one_network_may_want_longer_clips_than_another(folder: Path) -> None:
    for key in keys(CLIPS)[4:]:
        soundfile.write(folder / f"good/{key}.wav", tone(key, 1.2), RATE)
    found = run(settings(folder, "good"), [Frames(min_seconds=1.6), Pairs()])
    assert row(found, "good", "bands", "fad").clips == 4
    assert row(found, "good", "pairs", "fad").clips == CLIPS
    assert found.results.dead["good"]["k05"].startswith("too_short: bands: ")


def test_one_clip_has_no_distance(folder: Path) -> None:
    write_clips(folder / "single", 1)
    done = run(settings(folder, "single"))
    assert "single, bands: a distance needs 2 clips or more, and there is 1" in done.results.said
    assert {item.metric for item in done.results.rows if item.system == "single"} == {"text", "audio", "tags", "level"}


def test_identical_sets(folder: Path) -> None:
    shutil.copytree(folder / "real", folder / "copied")
    done = run(settings(folder, "copied"))
    assert row(done, "copied", "bands", "fad").value == pytest.approx(0, abs=1e-9)
    assert "copied and reference have 9 clips in common: a distance between them says little" in done.results.said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clips": ["a=EMPTY"]}, "no audio in"),
        ({"clips": ["a=NONE"]}, "there is no folder"),
        ({"reference": "NONE"}, "there is no folder"),
        ({"clips": ["a=good", "a=noisy"]}, "two systems are called a"),
        ({"clips": ["reference=good"]}, "cannot be called 'reference'"),
        ({"clips": ["a=SILENT"]}, "no clip of .*SILENT can be heard: k00: silent"),
        ({"reference": "SILENT"}, "hears no clip of the reference .*SILENT: k00: the peak"),
        ({"protocol": "papr"}, "no protocol 'papr'"),
        ({"prompts": "other.csv"}, "no clip of .*good has a key that is asked for"),
    ],
)
def test_one_message_for_each_mistake(folder: Path, changes: dict[str, Any], said: str) -> None:
    (folder / "EMPTY").mkdir()
    (folder / "SILENT").mkdir()
    soundfile.write(folder / "SILENT/k00.wav", np.zeros(2 * RATE), RATE)
    (folder / "other.csv").write_text("key,prompt\nzzz,music\n")
    placed: dict[str, Any] = {}
    for name, value in changes.items():
        if name == "clips":
            placed[name] = [f"{text.split('=')[0]}={folder / text.split('=')[1]}" for text in value]
        else:
            placed[name] = value if name == "protocol" else str(folder / value)
    with pytest.raises(UserError, match=said):
        run(settings(folder, "good", **placed))
    assert not (folder / "out/results.parquet").exists()


def test_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "load_embedder", load_small)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    typed = ["evaluate", f"good={folder / 'good'}", "--reference", str(folder / "real"), "-o", str(folder / "out")]
    more = ["--networks", "bands, pairs", "--permutations", "9", "--set", "run.workers=1"]
    done = CliRunner().invoke(n2m, [*typed, *more])
    assert done.exit_code == 0, done.output
    assert "good" in done.output
    file = folder / "evaluate.toml"
    file.write_text(
        f'clips = ["good={folder / "good"}"]\nreference = "{folder / "real"}"\nout = "{folder / "by_file"}"\n'
        'networks = ["bands", "pairs"]\npermutations = 9\n'
    )
    assert CliRunner().invoke(n2m, ["evaluate", "-c", str(file)]).exit_code == 0
    assert table(folder, "by_file") == table(folder)
    assert "give CLIPS and --out, or -c FILE" in CliRunner().invoke(n2m, ["evaluate", "--reference", "x"]).output


def test_places_of_generate_and_roots_of_label(tmp_path: Path) -> None:
    """Prompts come with the place, what it could not make is missing with the reason, and the reference's audio lies in shards."""
    job = small_job(tmp_path)
    with (tmp_path / "prompts.csv").open("a", encoding="utf-8") as file:
        file.write("p004,\n")
    generate(job.model_copy(update={"max_dead": 1.0}))
    shards = write_shards(tmp_path / "root", 6)
    (tmp_path / "root" / LATEST).write_text(json.dumps({"shard": shards.path}))
    (tmp_path / "short.toml").write_text('name = "short"\nsample_rate = 16000\npart = "whole"\nmin_seconds = 0.3\n')
    what = EvaluateSettings(
        clips=(job.out,),
        reference=str(tmp_path / "root"),
        out=str(tmp_path / "figures"),
        protocol=str(tmp_path / "short.toml"),
        permutations=4,
        shown=1,
        reference_clips=5,
        run=EvaluateRun(cache=""),
    )
    done = run(what)
    fad = row(done, "out", "bands", "fad")
    assert (fad.clips, fad.reference_clips) == (4, 5)
    assert done.results.missing["out"]["p004"].startswith("not_made: empty_prompt")
    assert any("none of its keys" in said for said in done.results.said)
    assert any("5 of 6 clips, chosen by the hash" in said for said in done.results.said)
    assert row(done, "out", "pairs", "text").clips == 4
    assert ", take " in (tmp_path / "figures/index.html").read_text()


def test_what_others_wrote_is_escaped(folder: Path) -> None:
    hostile = "<script>alert(1)</script>\"'&"
    (folder / "prompts.csv").write_text(
        "key,prompt\n" + "".join(f'{key},"{hostile.replace(chr(34), chr(34) * 2)}"\n' for key in keys(CLIPS))
    )
    what = settings(folder, shown=1, clips=[f"<i>={folder / 'good'}"])
    run(what)
    page = (folder / "out/index.html").read_text()
    assert "<script>alert" not in page
    assert "<i>" not in page.replace("<i></i>", "").replace("<i class", "")
    assert "&lt;script&gt;alert(1)" in page
