"""A cascade becomes a folder for a hub and comes back from one: the same audio, a card that the hub reads, and no path of the machine."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from huggingface_hub import ModelCard

import noise2music as n2m
from noise2music.core.errors import UserError
from noise2music.flows.cli import n2m as command
from noise2music.models.cascade.cascade_config import CascadeConfig, read_config
from noise2music.models.cascade.stage import STAGES, StageName
from noise2music.models.cascade.weights import TextIdentity, read_weights_header, write_weights
from noise2music.models.export.cascade_folder import export_cascade
from noise2music.models.export.model_card import model_card
from noise2music.models.generation.checkpoints import _fetched, file_identity, open_checkpoints
from noise2music.models.training.log import Journal
from tests.models.export.hub_server import commit_of, serve_hub
from tests.models.generation.small_cascade import small_header, small_network, small_stage, write_small_cascade

PROJECT = Path(__file__).resolve().parents[3]
TEXT = TextIdentity(name="minilm", identity="a" * 64, dim=384)
FROM_THE_HUB = """
import hashlib, sys
import noise2music as n2m

def sha256(name, **where):
    try:
        clip = n2m.load_cascade(name, device="cpu", **where).generate("slow piano", seconds=0.2, seed=3)
        print(hashlib.sha256(clip.audio.tobytes()).hexdigest())
    except n2m.UserError as error:
        print(error)

for asked in sys.argv[1:]:
    name, _, revision = asked.partition("@")
    sha256(name, **({"revision": revision} if revision else {}))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All five stages as training leaves them, with a log beside the first three."""
    folder = tmp_path_factory.mktemp("trained")
    write_small_cascade(folder)
    for number, stage in enumerate(STAGES[:3]):
        log = Journal(folder / stage, 0, tensorboard=False)
        log.write("start", 0, {"stage": stage})
        for clips, loss in ((0, 0.9), (4, 0.5 + number / 10), (8, float("nan")), (12, 0.1)):  # The weights are those after 8 clips.
            log.write("validation", clips, {"loss": loss, "level_1": loss / 2, "level_2": loss * 3 / 2})
        log.close()
    return folder


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_cascade(str(trained), tmp_path_factory.mktemp("exported") / "small", "me/small-music", "cc-by-4.0").folder


def clip_of(folder: Path, route: str = "waveform") -> bytes:
    clip = n2m.load_cascade(folder, route, device="cpu").generate("slow piano", seconds=0.2, seed=3)  # type: ignore[arg-type]
    return clip.audio.tobytes()


def config_of(folder: Path) -> CascadeConfig:
    config = read_config(folder)
    assert config is not None
    return config


@pytest.mark.parametrize("route", ["waveform", "spectrogram"])
def test_an_exported_cascade_makes_the_same_audio(trained: Path, exported: Path, route: str) -> None:
    assert clip_of(exported, route) == clip_of(trained, route)
    assert {path.name for path in exported.iterdir()} == {"README.md", "config.json", *(f"{stage}.safetensors" for stage in STAGES)}


def test_the_config_says_what_the_weights_say(trained: Path, exported: Path) -> None:
    config = config_of(exported)
    assert (config.sample_rate, config.licence, config.hub_id, list(config.routes)) == (
        24_000,
        "cc-by-4.0",
        "me/small-music",
        ["waveform", "spectrogram"],
    )
    assert config.text_encoder is not None
    assert (config.text_encoder.model, config.text_encoder.dim) == ("minilm", 384)
    for name, stage in config.stages.items():
        data = (exported / stage.file).read_bytes()
        header = read_weights_header(trained / name / "weights.safetensors")
        assert (stage.sha256, stage.bytes) == (hashlib.sha256(data).hexdigest(), len(data))
        assert stage.parameters == sum(parameter.numel() for parameter in small_network(header.stage).parameters())
        assert (stage.clips, stage.data, stage.makes) == (header.clips, header.data, header.stage.signal)
    found = config.stages["spectrogram-generator"].validation
    assert found is not None
    assert (found.clips, found.loss, found.first_loss, found.by_level) == (4, 0.7, 0.9, (0.35, pytest.approx(1.05)))
    assert config.stages["vocoder"].validation is None


def test_the_hub_reads_the_card(exported: Path) -> None:
    card = ModelCard.load(exported / "README.md")
    assert (card.data.license, card.data.library_name, card.data.pipeline_tag) == ("cc-by-4.0", "noise2music", "text-to-audio")
    assert {"music", "text-to-music"} <= set(card.data.tags or ())
    assert card.data.get("training_data") == [{"sha256": "0" * 16, "clips": 8}]
    assert card.data.eval_results is not None
    assert {result.metric_name: result.metric_value for result in card.data.eval_results} == {
        "validation loss of the waveform-generator": 0.5,
        "validation loss of the waveform-cascader": 0.6,
        "validation loss of the spectrogram-generator": 0.7,
    }
    assert 'n2m.load_cascade("me/small-music", route="waveform")' in card.text
    assert "CC0" in card.text
    assert "| vocoder | not recorded |" in card.text
    example = card.text.split("```python\n")[1].split("```")[0]
    compile(example, "card", "exec")


def test_no_file_names_a_path_of_the_machine(trained: Path, exported: Path) -> None:
    places = {str(trained), str(exported), str(Path.home()), str(PROJECT)}
    for path in exported.iterdir():
        data = path.read_bytes()
        assert [place for place in places if place.encode() in data] == [], path.name


def test_the_same_export_again_writes_nothing_and_mends_what_is_missing(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = export_cascade(str(trained), out)
    content = {path.name: path.read_bytes() for path in out.iterdir()}
    assert (first.written, export_cascade(str(trained), out).written) == (7, 0)
    (out / "vocoder.safetensors").write_bytes(b"torn")
    (out / "README.md").unlink()
    with pytest.raises(UserError, match=r"vocoder in .* are not those that its config\.json lists"):
        n2m.load_cascade(out, "spectrogram", device="cpu")
    assert export_cascade(str(trained), out).written == 2
    assert {path.name: path.read_bytes() for path in out.iterdir()} == content
    # With another licence the card is written anew, since nobody changed it.
    assert (export_cascade(str(trained), out, licence="mit").written, "license: mit" in (out / "README.md").read_text()) == (2, True)
    (out / "README.md").write_text("mine")
    kept = export_cascade(str(trained), out)
    assert (kept.card_kept, (out / "README.md").read_text()) == (True, "mine")


def test_an_export_of_an_export_is_the_same(exported: Path, tmp_path: Path) -> None:
    again = export_cascade(str(exported), tmp_path / "again", "me/small-music").folder
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {path.name: path.read_bytes() for path in exported.iterdir()}


def test_a_part_of_a_cascade_is_exported_too(trained: Path, tmp_path: Path) -> None:
    for name in ("spectrogram-generator", "vocoder", "waveform-cascader"):
        shutil.copytree(trained / name, tmp_path / "trained" / name)
    config = export_cascade(str(tmp_path / "trained"), tmp_path / "out").config
    assert (config.routes, config.sample_rate) == ({}, 16_000)
    assert 'stop_after="vocoder"' in (tmp_path / "out/README.md").read_text()
    alone = config.model_copy(update={"stages": {"vocoder": config.stages["vocoder"]}, "text_encoder": None})
    assert "There is no generator among these networks" in model_card(alone)


def test_what_cannot_be_exported_is_said(trained: Path, tmp_path: Path) -> None:
    def refused(match: str, out: str = "out", checkpoints: Path = trained, **values: str) -> None:
        with pytest.raises(UserError, match=match):
            export_cascade(str(checkpoints), tmp_path / out, **values)

    refused("holds no weights of the waveform-generator", checkpoints=tmp_path)
    refused("'small' cannot be the id", hub_id="small")
    refused("'My Licence' is no licence", licence="My Licence")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/notes.txt").write_text("mine")
    refused("holds notes.txt already", out="full")
    (tmp_path / "full/config.json").write_text('{"model_type": "bert"}')
    refused("holds config.json already", out="full")
    refused("is a file", out="full/notes.txt")
    stage = small_stage("spectrogram-generator")
    shutil.copytree(trained, tmp_path / "mixed")
    write_weights(
        tmp_path / "mixed/spectrogram-generator/weights.safetensors", small_network(stage).state_dict(), small_header(stage, TEXT)
    )
    refused("read text of different encoders", checkpoints=tmp_path / "mixed")
    stage = small_stage("waveform-cascader")
    assert stage.source is not None
    shutil.copytree(trained, tmp_path / "apart")
    header = read_weights_header(trained / "waveform-cascader/weights.safetensors")
    assert header.stage.source is not None
    signal = replace(header.stage.source.signal, rate=4_000)
    other = header.model_copy(update={"stage": replace(header.stage, source=replace(header.stage.source, signal=signal))})
    write_weights(tmp_path / "apart/waveform-cascader/weights.safetensors", small_network(stage).state_dict(), other)
    refused("do not fit", checkpoints=tmp_path / "apart")
    assert not (tmp_path / "out").exists()


def test_a_config_that_is_newer_or_damaged_is_said(exported: Path, tmp_path: Path) -> None:
    folder = tmp_path / "changed"
    shutil.copytree(exported, folder)
    stages: list[StageName] = ["vocoder"]
    for change, match in (({"format": 2}, "has format 2"), ({"stages": 3}, "is not understood: stages")):
        (folder / "config.json").write_text(json.dumps({**json.loads((exported / "config.json").read_text()), **change}))
        with pytest.raises(UserError, match=match):
            open_checkpoints(str(folder), stages)
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match="is damaged"):
        open_checkpoints(str(folder), stages)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    assert open_checkpoints(str(folder), stages).config is None


def test_the_text_encoder_may_have_another_name_on_the_hub(trained: Path, tmp_path: Path) -> None:
    out = export_cascade(str(trained), tmp_path / "out", text_model="somebody/encoder").folder
    assert open_checkpoints(str(out)).text_model == "somebody/encoder"
    assert n2m.load_cascade(out, device="cpu", text_model="minilm").sample_rate == 24_000


def test_a_cascade_comes_from_the_hub(trained: Path, exported: Path, tmp_path: Path) -> None:
    """The hub's own client against a server: main and a tag, only what the route needs, and once more without the server."""
    (tmp_path / "older").mkdir()
    for path in exported.iterdir():
        if path.name != "README.md":
            shutil.copy(path, tmp_path / "older")
    shutil.copy(exported / "README.md", tmp_path / "older/README.md")
    swapped = small_stage("super-resolution")
    header = read_weights_header(exported / "super-resolution.safetensors")
    write_weights(tmp_path / "older/super-resolution.safetensors", small_network(swapped, 99).state_dict(), header)
    (tmp_path / "older/config.json").unlink()  # As weights that were uploaded without `n2m export-cascade`.
    models = {"me/small-music": {"main": exported, "v0": tmp_path / "older"}}

    def loaded(*asked: str, endpoint: str) -> list[str]:
        environment = {
            **os.environ,
            "HF_HOME": str(tmp_path / "home"),
            "HF_ENDPOINT": endpoint,
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
        }
        environment.pop("HF_HUB_OFFLINE", None)
        done = subprocess.run([sys.executable, "-c", FROM_THE_HUB, *asked], env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    with serve_hub(models) as (endpoint, fetched):
        main, v0, commit, unknown, nobody = loaded(
            "me/small-music",
            "me/small-music@v0",
            f"me/small-music@{commit_of(exported)}",
            "me/small-music@v9",
            "me/nothing",
            endpoint=endpoint,
        )
    assert main == commit == hashlib.sha256(clip_of(trained)).hexdigest()
    assert v0 == hashlib.sha256(clip_of(tmp_path / "older")).hexdigest() != main
    route = {"waveform-generator.safetensors", "waveform-cascader.safetensors", "super-resolution.safetensors"}
    assert set(fetched) == {"config.json", *route}
    assert unknown == '"me/small-music" has no revision "v9" on the model hub. Give a branch, tag or commit of it.'
    assert '"me/nothing" is neither a folder nor to be had from the model hub' in nobody
    assert loaded("me/small-music", endpoint=endpoint) == [main]


def test_a_store_has_the_config_too(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a URI leads to: fetched into the cache once, and checked against the config."""
    monkeypatch.setenv("N2M_CACHE", str(tmp_path / "cache"))
    files, config = _fetched(str(exported), None)
    assert config == read_config(exported)
    assert {stage: file_identity(path) for stage, path in files.items()} == {
        name: one.sha256 for name, one in config_of(exported).stages.items()
    }
    assert _fetched(str(exported), ["vocoder"])[0] == {"vocoder": files["vocoder"]}


def test_names_that_are_no_ids_are_not_asked_for() -> None:
    for name in ("tinny", "/nowhere/at all", "a/b/c", "./cascade"):
        with pytest.raises(UserError, match="there is no folder"):
            n2m.load_cascade(name, device="cpu")


def test_a_revision_is_of_a_hub_id(trained: Path) -> None:
    for checkpoints in (str(trained), "tiny", "s3://bucket/cascade"):
        with pytest.raises(UserError, match=r"is no hub id, and a revision \(main\) is of one"):
            n2m.load_cascade(checkpoints, device="cpu", revision="main")


def test_the_command(trained: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["export-cascade", str(trained), str(tmp_path / "out"), "--id", "me/music", "--licence", "mit"])
    assert done.exit_code == 0, done.output
    assert "5 stages" in done.output
    assert f"hf upload me/music {tmp_path / 'out'} ." in done.output
