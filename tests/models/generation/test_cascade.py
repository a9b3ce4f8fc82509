"""Loading a cascade: from a folder, a flat folder, an object store's cache; and everything that does not fit is said."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from noise2music.core.errors import UserError
from noise2music.core.storage import Store
from noise2music.models.cascade.stage import Signal, Stage, StageName
from noise2music.models.cascade.weights import TextIdentity, WeightsHeader, load_network, read_weights_header, write_weights
from noise2music.models.generation.cascade import Cascade, load_cascade
from noise2music.models.generation.checkpoints import _fetch, check_fit, file_identity, weights_files
from noise2music.models.generation.request import Request
from noise2music.models.generation.settings import ROUTES, GenerationSettings
from tests.models.generation.small_cascade import small_header, small_network, small_stage
from tests.models.generation.test_generate import one

TEXT = TextIdentity(name="minilm", identity="a" * 64, dim=384)
WAVE = GenerationSettings()


def headers(*stages: Stage, text: TextIdentity = TEXT) -> list[WeightsHeader]:
    return [small_header(stage, text) for stage in stages]


def test_only_the_stages_of_the_route_are_loaded(waveform: Cascade, checkpoints: str) -> None:
    assert waveform.networks.stages == set(ROUTES["waveform"]) == set(waveform.headers) == set(waveform.identity)
    assert waveform.identity["super-resolution"] == file_identity(Path(checkpoints) / "super-resolution" / "weights.safetensors")
    with pytest.raises(UserError, match="weights of the vocoder were not loaded, so it cannot be used"), waveform.networks.use("vocoder"):
        pass
    with pytest.raises(UserError, match=r"weights of the spectrogram-generator, the vocoder were not loaded"):
        waveform.changed(GenerationSettings(route="spectrogram"))


def test_flat_files_are_found_too(tmp_path: Path, checkpoints: str) -> None:
    for name in ROUTES["waveform"]:
        shutil.copy(Path(checkpoints) / name / "weights.safetensors", tmp_path / f"{name}.safetensors")
    assert load_cascade(str(tmp_path), WAVE, "cpu").rate == 24_000


def test_what_is_missing_is_named(tmp_path: Path, checkpoints: str) -> None:
    shutil.copytree(Path(checkpoints) / "waveform-generator", tmp_path / "waveform-generator")
    with pytest.raises(UserError) as error:
        load_cascade(str(tmp_path), WAVE, "cpu")
    said = str(error.value)
    assert "waveform-cascader, the super-resolution" in said
    assert "waveform-cascader/weights.safetensors or waveform-cascader.safetensors is not there" in said
    assert load_cascade(str(tmp_path), GenerationSettings(stop_after="waveform-generator"), "cpu").rate == 3_200
    with pytest.raises(UserError, match="there is no folder"):
        load_cascade(str(tmp_path / "nowhere"), WAVE, "cpu")


def test_weights_of_another_stage_are_refused(tmp_path: Path, checkpoints: str) -> None:
    shutil.copytree(checkpoints, tmp_path / "mixed")
    shutil.copy(Path(checkpoints) / "vocoder" / "weights.safetensors", tmp_path / "mixed" / "super-resolution" / "weights.safetensors")
    with pytest.raises(UserError, match="holds the weights of the vocoder, not of the super-resolution"):
        load_cascade(str(tmp_path / "mixed"), WAVE, "cpu")


def test_damaged_weights_are_said(tmp_path: Path, checkpoints: str) -> None:
    shutil.copytree(checkpoints, tmp_path / "torn")
    path = tmp_path / "torn" / "super-resolution" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match="damaged or was cut short"):
        load_cascade(str(tmp_path / "torn"), WAVE, "cpu")


def test_stages_of_two_families_are_refused() -> None:
    generator, cascader, last = (small_stage(name) for name in ROUTES["waveform"])
    check_fit(headers(generator, cascader, last), "x")
    faster = replace(generator, signal=Signal("wave", 4_000))
    with pytest.raises(UserError, match="the waveform-generator .* makes 4000 Hz audio, and the waveform-cascader .* from 3200 Hz audio"):
        check_fit(headers(faster, cascader, last), "x")
    with pytest.raises(UserError, match="starts from the spectrogram of 16000 Hz audio"):
        check_fit(headers(generator, small_stage("vocoder")), "x")
    other = headers(cascader, text=replace_identity("b"))
    with pytest.raises(UserError, match=r"text of minilm \(aaaaaaaaaaaa\), the waveform-cascader .* with the same text encoder"):
        check_fit([*headers(generator), *other, *headers(last)], "x")


def replace_identity(letter: str) -> TextIdentity:
    return TEXT.model_copy(update={"identity": letter * 64})


def test_a_network_that_does_not_fit_its_own_signals_is_refused() -> None:
    vocoder = small_stage("vocoder")
    for shape in (
        replace(vocoder.unet, strides=(10, 8)),
        replace(vocoder.unet, local_cond_channels=64),
        replace(vocoder.unet, channels_in=2),
    ):
        with pytest.raises(UserError, match="weights of the vocoder in x are of a network that does not fit its signals"):
            check_fit(headers(small_stage("spectrogram-generator"), replace(vocoder, unet=shape)), "x")


def test_another_text_encoder_than_in_training_is_refused(tmp_path: Path, checkpoints: str) -> None:
    shutil.copytree(checkpoints, tmp_path / "other")
    for name in ("waveform-generator", "waveform-cascader"):
        stage = small_stage(name)  # type: ignore[arg-type]
        write_weights(tmp_path / "other" / name / "weights.safetensors", small_network(stage).state_dict(), small_header(stage, TEXT))
    with pytest.raises(UserError, match=r"trained with the text encoder minilm \(aaaaaaaaaaaa\), and minilm is another"):
        load_cascade(str(tmp_path / "other"), WAVE, "cpu")


def test_half_precision_becomes_single_on_a_cpu(tmp_path: Path, checkpoints: str) -> None:
    for name in ROUTES["waveform"]:
        path = Path(checkpoints) / name / "weights.safetensors"
        header = read_weights_header(path, name)
        write_weights(tmp_path / f"{name}.safetensors", load_network(path, header).state_dict(), header, "fp16")
    half = load_cascade(str(tmp_path), WAVE, "cpu")
    with half.networks.use("super-resolution") as network:
        assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    request = Request("a", "a piano", 0.2)
    assert one(half, request).rms_dbfs == pytest.approx(one(load_cascade(checkpoints, WAVE, "cpu"), request).rms_dbfs, abs=1)


def test_weights_of_a_store_are_fetched_once_and_again_when_they_change(
    tmp_path: Path, checkpoints: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    stage: StageName = "vocoder"
    shutil.copytree(Path(checkpoints) / stage, tmp_path / "store" / stage)
    store = Store(str(tmp_path / "store"))
    name = f"{stage}/weights.safetensors"

    def fetched() -> Path:
        entry = store.head(name)
        assert entry is not None
        return _fetch(store, entry)

    first = fetched()
    assert first.read_bytes() == store.get(name)
    stamp = first.stat().st_mtime_ns
    assert fetched() == first
    assert first.stat().st_mtime_ns == stamp
    store.put(name, store.get(name) + b" ")
    assert fetched() != first
    assert not list((tmp_path / "cache").rglob("*.partial"))


def test_the_weights_that_ship_are_looked_for_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from noise2music.models.generation import checkpoints

    monkeypatch.setattr(checkpoints, "STARTER", tmp_path)
    with pytest.raises(UserError, match="weights that ship .* holds no weights of the vocoder"):
        weights_files("tiny", ["vocoder"])
    (tmp_path / "vocoder.safetensors").write_bytes(b"")
    assert weights_files("tiny", ["vocoder"]) == {"vocoder": tmp_path / "vocoder.safetensors"}
