"""What `import noise2music` offers: documented, loaded late, and the same as what the command line and the trainer do."""

import ast
import base64
import copy
import inspect
import io
import json
import pickle
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from torch.utils.data import DataLoader

import noise2music as n2m
from noise2music.core.errors import RowError, UserError
from noise2music.flows.cli.everything import render
from noise2music.flows.face import _assignments
from noise2music.flows.generate import generate
from noise2music.labeling.retrieval.balance import inclusion_probability
from noise2music.models.data.loader import Loader
from noise2music.models.data.shards import open_shards
from noise2music.models.generation.settings import StageSampling
from tests.flows.generation import small_job
from tests.models.data.made_up_shards import RATE, uri_of, write_shards

PROJECT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "pyarrow", "apache_beam", "numpy", "prefect", "faiss", "pydantic")
SECONDS = 6.0
FEWER: dict = {"vocabulary": {"tags": {"kind": "builtin-tags"}}, "sampling__labels_per_clip": {"tags": 6}}
"""Examples label with these words alone: half a minute goes into the embedding of the thousands of sentences."""


def write_notes(folder: Path, tracks: int = 3) -> None:
    """Short files of a few partials, each another note."""
    folder.mkdir(parents=True)
    times = np.arange(round(SECONDS * 16_000)) / 16_000
    for number in range(tracks):
        note = sum(np.sin(2 * np.pi * 220 * (number + 1) * partial * times) / partial for partial in (1, 2, 3))
        soundfile.write(
            folder / f"note-{number}.wav", (0.2 * note * (0.7 + 0.3 * np.sin(2 * np.pi * 2 * times))).astype(np.float32), 16_000
        )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with music/, in which the package's own example has run: runs/music is labelled, calm.wav is there."""
    folder = tmp_path_factory.mktemp("face")
    write_notes(folder / "music")
    example = textwrap.dedent(str(n2m.__doc__).split("labels and a clip:\n\n")[1].split("\n\nEvery name")[0])
    assert example.count("\n") <= 10
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(with_fewer(example), {"FEWER": FEWER})
    return folder


def with_fewer(example: str) -> str:
    """The example, whose call of n2m.label takes FEWER besides."""
    changed = re.sub(r"(n2m\.label\(.*)\)", r"\1, **FEWER)", example)
    assert changed != example
    return changed


def test_every_name_is_there_and_documented() -> None:
    assert set(n2m.__all__) <= set(dir(n2m))
    assert set(n2m._PLACES) == set(n2m.__all__) - {"__version__"}
    for name in n2m._PLACES:
        offered = getattr(n2m, name)
        said = inspect.getdoc(offered)
        assert said, name
        assert said.split("\n")[0].rstrip().endswith((".", ":")), f"{name}: begins with no sentence"
        if inspect.isfunction(offered):
            assert all(f"\n{part}:\n" in said for part in ("Args", "Returns", "Raises")), name
            listed = said.split("\nArgs:\n")[1].split("\n\n")[0]
            for argument, parameter in inspect.signature(offered).parameters.items():
                stars = "**" if parameter.kind is parameter.VAR_KEYWORD else ""
                assert f"    {stars}{argument}:" in listed, f"{name}: {argument} is not described"
        for method, function in inspect.getmembers(offered if name.startswith("Loaded") else None, inspect.isfunction):
            assert method.startswith("_") or "\nReturns:\n" in str(inspect.getdoc(function)), f"{name}.{method}"
    with pytest.raises(AttributeError, match="no attribute 'lable'"):
        _ = n2m.lable  # type: ignore[attr-defined]


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(str(n2m.__file__)).read_text(encoding="utf-8"))
    seen = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("noise2music."):
            for alias in node.names:
                seen[alias.asname or alias.name] = f"{str(node.module).removeprefix('noise2music.')}:{alias.name}"
    assert seen.pop("samplers") == "models.diffusion:sampler"
    assert seen == {name: found for name, found in n2m._PLACES.items() if name != "samplers"}


def test_the_import_loads_nothing() -> None:
    script = (
        "import sys, noise2music as n2m; dir(n2m); n2m.UserError\n"
        "assert 'label' in dir(n2m) and '__version__' in dir(n2m)\nprint(*sys.modules, sep='\\n')"
    )
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not set(HEAVY) & set(loaded)


def test_labels(place: Path) -> None:
    labels = n2m.open_labels(place / "runs/music")
    assert len(labels) == 3
    assert [row["track_key"] for row in labels[:]] == [row["track_key"] for row in labels] == labels.table.column("track_key").to_pylist()
    assert labels[-1] == labels[2] == list(labels)[2]
    assert {label["vocabulary"] for label in labels[0]["labels"]} == {"tags"}
    assert Path(labels.report).read_text(encoding="utf-8").lower().startswith("<!doctype html")
    lines = labels.save(place / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + sum(len(row["labels"]) for row in labels)
    with pytest.raises(IndexError):
        labels[3]
    with pytest.raises(UserError, match="nowhere"):
        n2m.open_labels(place / "nowhere")


def test_label_takes_what_the_command_line_takes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    before = n2m.open_labels("runs/music")
    assert n2m.label(audio=Path("music"), root=Path("runs/music"), **FEWER).fingerprint == before.fingerprint
    raw = {"root": "runs/music", "corpus": {"audio": "music"}, "vocabulary": FEWER["vocabulary"], "retrieval": {"dedup_threshold": 0.75}}
    assert n2m.label(raw, sampling={"labels_per_clip": {"tags": 6}}).fingerprint == before.fingerprint
    settings = n2m.LabelSettings.model_validate({**raw, "sampling": {"labels_per_clip": {"tags": 6}}})
    assert n2m.label(settings).fingerprint == before.fingerprint
    Path("music.toml").write_text(
        'root = "runs/music"\n[corpus]\naudio = "music"\n[vocabulary.tags]\nkind = "builtin-tags"\n[retrieval]\ndedup_threshold = 0.75\n'
    )
    assert n2m.label("music.toml", sampling__labels_per_clip__tags=6).fingerprint == before.fingerprint
    with pytest.raises(UserError, match=r"did you mean sampling\.top_k"):
        n2m.label(settings, sampling__topk=4)
    with pytest.raises(UserError, match="either settings or audio"):
        n2m.label(settings, audio="music")
    with pytest.raises(UserError, match="there is no stage 'vocodder'"):
        n2m.train({"out": "cascade", "data": {"shards": "runs/music"}}, "vocodder")


def test_keywords_are_assignments_of_the_command_line() -> None:
    values = {"a__b": 'say "é🎻"\n', "c": True, "d": 1e-7, "e": [1, 2.5], "f": {"x y": ["z"]}, "g": Path("m/n")}
    from noise2music.flows.config import _override

    merged: dict = {}
    for assignment in _assignments(values):
        merged = _override(n2m.LabelSettings, merged, assignment)
    assert merged == {"a": {"b": 'say "é🎻"\n'}, "c": True, "d": 1e-7, "e": [1, 2.5], "f": {"x y": ["z"]}, "g": "m/n"}
    with pytest.raises(UserError, match="h = None"):
        _assignments({"h": None})


def test_a_score_is_a_labels_score(place: Path) -> None:
    scorer = n2m.load_scorer("starter")
    for row in n2m.open_labels(place / "runs/music"):
        audio, rate = soundfile.read(place / "music" / row["track_key"], dtype="float32")
        heard = scorer.embed_audio(audio, rate)
        said = scorer.embed_text([label["caption"] for label in row["labels"]])
        assert scorer.similarity(heard, said).tolist() == [label["score"] for label in row["labels"]]
    two = scorer.embed_audio([audio, audio[: rate * 4]], rate)
    assert two.shape == (2, scorer.dim)
    assert (two[0] == heard).all()
    assert scorer.similarity(two, said).shape == (2, len(said))
    assert scorer.similarity(heard, scorer.embed_text("a flute")).shape == ()
    assert scorer.embed_audio([], rate).shape == scorer.embed_text([]).shape == (0, scorer.dim)
    with pytest.raises(UserError, match="int16 of shape"):
        scorer.embed_audio((audio * 32767).astype(np.int16), rate)
    with pytest.raises(ValueError, match="not of one scorer"):
        scorer.similarity(heard, said[:, :7])


@pytest.mark.parametrize("inline", [False, True])
def test_clips_are_those_that_the_trainer_reads(tmp_path: Path, inline: bool) -> None:
    uri = uri_of(write_shards(tmp_path, inline=inline))
    dataset = n2m.ShardDataset(uri)
    clips = {clip["clip_id"]: clip for clip in dataset}
    samples = round(1.5 * RATE)
    with Loader(open_shards(uri, "train", RATE), 0, samples, 4) as loader:
        seen = [loader.clip(number) for number in range(len(dataset))]
    assert {clip.clip_id for clip in seen} == clips.keys()
    assert len(clips) == len(dataset) == 20
    for clip in seen:
        mine = clips[clip.clip_id]
        assert mine["audio"].dtype == np.float32
        assert (mine["audio"] == clip.audio).all()
        assert mine["sample_rate"] == RATE
        assert mine["captions"] == [*clip.long, *clip.short[:1]]
        assert mine["title"] is None or mine["title"] in clip.short


def test_workers_read_the_same_clips_and_odd_numbers_are_refused(tmp_path: Path) -> None:
    dataset = n2m.ShardDataset(uri_of(write_shards(tmp_path)), split="test")
    alone = [clip["clip_id"] for clip in dataset]
    for workers, context in ((2, "fork"), (0, None)):
        loader = DataLoader(dataset, batch_size=3, num_workers=workers, collate_fn=list, multiprocessing_context=context)
        batches = list(loader)
        assert [clip["clip_id"] for batch in batches for clip in batch] == alone
        assert (batches[1][0]["audio"] == dataset[3]["audio"]).all()
    assert [clip["clip_id"] for clip in pickle.loads(pickle.dumps(dataset))] == alone
    assert dataset[-1]["clip_id"] == alone[-1]
    for index in (len(dataset), -len(dataset) - 1):
        with pytest.raises(IndexError):
            dataset[index]


def test_a_copy_of_other_labels_is_refused(tmp_path: Path) -> None:
    dataset = n2m.ShardDataset(uri_of(write_shards(tmp_path)))
    dataset.digest = "of another set"
    with pytest.raises(UserError, match="labelled again"):
        copy.copy(dataset)


def test_any_rate_is_read(tmp_path: Path) -> None:
    dataset = n2m.ShardDataset(uri_of(write_shards(tmp_path, clips=6, rate=16_000)))
    assert dataset[0]["sample_rate"] == 16_000
    assert len(dataset[0]["audio"]) == 24_000


def test_labels_are_sampled_by_inverse_frequency() -> None:
    clips = 4000
    captions = np.tile(np.array([[0, 1, 2]], np.int32), (clips, 1))
    frequency = np.array([1, 2, 5], np.int64)
    sampled = n2m.sample_labels(
        clip_ids=np.arange(clips, dtype=np.uint64),
        captions=captions,
        scores=np.ones((clips, 3), np.float32),
        frequency=frequency,
        caption_ids=np.arange(3, dtype=np.uint64),
        labels_per_clip=2,
        seed=0,
    )
    found = np.bincount(sampled.positions.reshape(-1), minlength=3) / clips
    assert found == pytest.approx(inclusion_probability(frequency, 2), abs=4 * np.sqrt(0.25 / clips))
    assert n2m.count_candidates(captions, 3).tolist() == [clips] * 3


def test_a_clip_is_the_one_that_a_job_makes(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("slow piano\n", encoding="utf-8")
    settings = small_job(tmp_path, prompts=str(tmp_path / "prompts.txt"), seed=7, generation__sampling__guidance=3.0)
    (record,) = generate(settings).clips
    cascade = n2m.load_cascade(tmp_path / "cascade", device="cpu")
    clip = cascade.generate("slow piano", seconds=settings.seconds, seed=7, guidance=3.0)
    job, rate = soundfile.read(Path(settings.out) / str(record.audio), dtype="int16")
    assert rate == clip.sample_rate == cascade.sample_rate
    for suffix in ("flac", "wav"):
        saved, saved_rate = soundfile.read(clip.save(tmp_path / f"clip.{suffix}"), dtype="int16")
        assert (saved == job).all()
        assert saved_rate == rate
    assert np.abs(saved / 32768 - clip.audio).max() <= 1 / 32768
    other = cascade.generate("slow piano", seconds=settings.seconds, seed=7, guidance=3.0, sampler="heun", steps=2)
    assert (other.audio != clip.audio).any()


def test_a_clip_shows_a_player_and_says_what_is_wrong(tmp_path: Path) -> None:
    small_job(tmp_path)
    cascade = n2m.load_cascade(tmp_path / "cascade", device="cpu")
    clip = cascade.generate("<b>organ", seconds=0.4)
    page = clip._repr_html_()
    assert "&lt;b&gt;organ" in page
    data = base64.b64decode(re.findall(r'src="data:audio/wav;base64,([^"]+)"', page)[0])
    audio, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    assert (len(audio), rate) == (len(clip.audio), clip.sample_rate)
    with pytest.raises(UserError, match=r"\.flac or \.wav"):
        clip.save(tmp_path / "clip.mp3")
    with pytest.raises(UserError, match="cannot write"):
        clip.save(tmp_path / "nowhere" / "clip.wav")
    with pytest.raises(UserError, match="sampler = 'eulr'"):
        cascade.generate("organ", sampler="eulr")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="seed = -1"):
        cascade.generate("organ", seed=-1)
    with pytest.raises(RowError) as error:
        cascade.generate(" ", seconds=0.4)
    assert error.value.reason == "empty_prompt"
    stopped = n2m.load_cascade(
        tmp_path / "cascade", settings=n2m.GenerationSettings(route="spectrogram", stop_after="spectrogram-generator"), device="cpu"
    ).generate("organ", seconds=0.4)
    assert stopped.spectrogram is not None
    assert stopped.spectrogram.shape == (80, 40)
    with pytest.raises(UserError, match="no audio"):
        stopped.save(tmp_path / "clip.wav")


def test_stages_and_samplers() -> None:
    assert n2m.stage("tiny", "vocoder").name == "vocoder"
    assert n2m.UNet(n2m.stage("tiny", "vocoder").unet).shape.aligned_channels == 80
    assert callable(n2m.samplers.heun)
    with pytest.raises(UserError, match="no preset 'big'"):
        n2m.stage("big", "vocoder")  # type: ignore[arg-type]
    assert StageSampling().sampler is None


def test_the_page_of_examples_runs(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(place)
    text = (PROJECT / "docs/python.md").read_text(encoding="utf-8")
    names: dict[str, object] = {"FEWER": FEWER}
    for block in re.findall(r"```python\n(.*?)```", text, re.S):
        exec(with_fewer(block) if "n2m.label(" in block else block, names)
    assert "3 clips, report:" in capsys.readouterr().out
    assert soundfile.info(place / "calm.wav").duration == 1


def cells_of(name: str) -> list[str]:
    """The code of a notebook, which has no outputs."""
    cells = json.loads((PROJECT / f"examples/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    return ["".join(cell["source"]) for cell in code]


def test_the_notebook_that_labels_runs(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On the music that is labelled already; of the command that renders some, which has tests of its own, the arguments are read."""
    monkeypatch.chdir(place)
    names: dict[str, Any] = {"FEWER": FEWER}
    for text in cells_of("label"):
        text = text.replace("subprocess.run(render, check=True)", "")
        exec(with_fewer(text) if "n2m.label(" in text else text, names)
    assert render.make_context("render", names["render"][4:]).params == {"folder": Path("music"), "pieces": 10, "seconds": 6.0, "seed": 0}
    assert "note-2.wav {'piano': " in capsys.readouterr().out


def test_the_notebook_that_makes_music_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter clips, in three steps."""
    monkeypatch.chdir(tmp_path)
    shown: list[str] = []
    names: dict[str, object] = {"display": lambda clip: shown.append(clip._repr_html_())}
    for text in cells_of("generate"):
        text = text.replace("SECONDS = 5", "SECONDS = 0.2").replace(", steps=8", "").replace("seed=0", "seed=0, steps=3")
        exec(text, names)
    assert len(set(shown)) == 7
    assert all("<audio controls" in page for page in shown)
    assert soundfile.info("calm-waveform.wav").duration == pytest.approx(0.2)
