"""The CLAP scorer against transformers' own model and feature extractor, on a small model of random weights."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from transformers import ClapModel, RobertaTokenizer

from noise2music.core.errors import RowError, UserError
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.scorers.clap import MAX_TOKENS, ClapFrontEnd, ClapScorer, clap_front_end, load_clap, repeat_pad
from noise2music.labeling.scorers.htsat import PackedLinear
from tests.small_clap import feature_extractor, write_small_clap

RATE = 48000
WINDOW = 10 * RATE
CAPTIONS = ["warm piano jazz", "a", "", "heavy drums and a female vocal " * 30, "ünïcode 東京 <s>"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_clap(tmp_path_factory.mktemp("clap"))


@pytest.fixture(scope="module")
def scorer(folder: Path) -> ClapScorer:
    return load_clap(str(folder), None, "cpu")


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def noise(samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    slow = np.sin(np.arange(samples) * rng.uniform(1e-4, 1e-2))
    return (rng.standard_normal(samples) * slow * rng.uniform(0.01, 0.5)).astype(np.float32)


def spectrograms(seed: int, count: int) -> torch.Tensor:
    """(count, 1, 1001, 64) in dB, each with a balance of bands and a rhythm of its own."""
    chance = torch.Generator().manual_seed(seed)
    bands, frames = (torch.randn(count, 1, *shape, generator=chance) for shape in ((1, 64), (1001, 1)))
    return 20.0 * bands + 10.0 * frames + 5.0 * torch.randn(count, 1, 1001, 64, generator=chance) - 30.0


def test_it_is_a_scorer(scorer: ClapScorer) -> None:
    as_protocol: Scorer = scorer
    assert (as_protocol.sample_rate, as_protocol.dim, as_protocol.text_dim, as_protocol.device) == (48000, 32, 32, "cpu")


@pytest.mark.parametrize(
    ("seconds", "windows"),
    [(0.1, 1), (0.99, 1), (5.0, 1), (10.0, 1), (10.99, 1), (11.0, 2), (20.0, 2), (29.99, 3), (30.0, 3), (30.5, 3), (31.0, 4)],
)
def test_window_counts(scorer: ClapScorer, seconds: float, windows: int) -> None:
    assert scorer.preprocess(noise(round(seconds * RATE))).shape == (windows, 1, 1001, 64)


def test_no_samples_kill_the_row() -> None:
    with pytest.raises(RowError) as caught:
        ClapFrontEnd().cut(np.zeros(0, np.float32))
    assert caught.value.reason == "too_short"


@given(st.integers(1, 5000), st.integers(1, 5000))
@settings(max_examples=300)
def test_repeat_pad_closed_form(samples: int, length: int) -> None:
    length = max(length, samples)
    audio = np.arange(1, samples + 1, dtype=np.float32)
    padded = repeat_pad(audio, length)
    whole = length // samples * samples
    assert padded.shape == (length,)
    assert (padded[:whole] == audio[np.arange(whole) % samples]).all()
    assert not padded[whole:].any()


@pytest.mark.parametrize("fusion", [False, True])
@pytest.mark.parametrize("seconds", [0.1, 0.7, 1.0, 3.3, 4.9999, 5.0, 6.0, 9.99, 10.0, 12.3, 25.0])
def test_windows_equal_the_feature_extractor(seconds: float, fusion: bool) -> None:
    """Every window, the padded last one included, is what ClapFeatureExtractor makes of those samples."""
    audio = noise(round(seconds * RATE))
    parts = [audio[start : start + WINDOW] for start in range(0, len(audio), WINDOW)]
    reference = feature_extractor(fusion)(parts, sampling_rate=RATE, return_tensors="np")["input_features"][:, :1]
    np.testing.assert_allclose(clap_front_end(fusion)(audio).numpy(), reference, rtol=0, atol=1e-4)


@pytest.mark.parametrize("fusion", [False, True])
def test_audio_equals_transformers(tmp_path: Path, fusion: bool) -> None:
    """Our arrangement of the audio tower gives get_audio_features of the model as transformers loads it; fusion sees short audio."""
    write_small_clap(tmp_path, fusion=fusion)
    reference = ClapModel.from_pretrained(tmp_path).eval()
    inputs = spectrograms(0, 3)
    with torch.inference_mode():
        channels = inputs.expand(-1, 4, -1, -1) if fusion else inputs
        expected = reference.get_audio_features(input_features=channels, is_longer=torch.zeros(3, 1, dtype=torch.bool)).pooler_output
    scorer = load_clap(str(tmp_path), None, "cpu")
    assert scorer.front_end == clap_front_end(fusion)
    outputs = scorer.encode_audio(inputs)
    assert (outputs - expected).abs().max() < 1e-5
    assert (expected @ expected.T).fill_diagonal_(0.0).max() < 0.99


def test_batch_of_one_and_sixteen_are_the_same(scorer: ClapScorer) -> None:
    inputs = spectrograms(1, 16)
    together = scorer.encode_audio(inputs)
    alone = torch.cat([scorer.encode_audio(inputs[row : row + 1]) for row in range(16)])
    assert torch.equal(together, alone)
    assert (scorer._audio(inputs) - together).abs().max() < 1e-5  # a true batch, as on a GPU


def test_pool_is_the_normalised_mean(scorer: ClapScorer) -> None:
    outputs = np.array([[3.0, 4.0], [0.0, 2.0]], np.float32)
    np.testing.assert_allclose(scorer.pool(outputs), np.array([1.5, 3.0]) / np.hypot(1.5, 3.0), rtol=1e-6)
    assert scorer.pool(outputs[:1]) == pytest.approx([0.6, 0.8])


def test_text_equals_transformers_padded_to_77(scorer: ClapScorer, folder: Path) -> None:
    tokens = RobertaTokenizer.from_pretrained(folder)(
        CAPTIONS, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    )
    assert tokens["input_ids"].shape == (len(CAPTIONS), 77)
    with torch.inference_mode():
        expected = ClapModel.from_pretrained(folder).eval().get_text_features(**tokens).pooler_output.numpy()
    embedded = scorer.embed_text(CAPTIONS)
    np.testing.assert_allclose(embedded.joint_embeddings, expected, rtol=0, atol=1e-5)
    np.testing.assert_array_equal(embedded.joint_embeddings, embedded.text_embeddings)
    np.testing.assert_allclose(np.linalg.norm(embedded.joint_embeddings, axis=1), 1.0, atol=1e-5)


def test_a_caption_does_not_depend_on_the_others(scorer: ClapScorer) -> None:
    together = scorer.embed_text(CAPTIONS).joint_embeddings
    np.testing.assert_array_equal(scorer.embed_text(CAPTIONS[::-1]).joint_embeddings[::-1], together)
    np.testing.assert_array_equal(scorer.embed_text(CAPTIONS[1:2]).joint_embeddings[0], together[1])
    np.testing.assert_allclose(scorer._text(CAPTIONS), together, rtol=0, atol=1e-5)  # a true batch, as on a GPU
    assert scorer.embed_text([]).joint_embeddings.shape == (0, 32)


def test_identity_follows_weights_tokenizer_and_front_end(folder: Path, tmp_path: Path) -> None:
    def identity(change: Callable[[Path], object]) -> str:
        made = Path(shutil.copytree(folder, tmp_path / str(len(list(tmp_path.iterdir())))))
        change(made)
        return load_clap(str(made), None, "cpu").identity

    def other_weight(made: Path) -> None:
        tensors = load_file(made / "model.safetensors")
        tensors["logit_scale_a"] += 1e-3
        save_file(tensors, made / "model.safetensors")

    def other_band(made: Path) -> None:
        rewrite(made / "preprocessor_config.json", frequency_min=60)

    same = identity(lambda _: None)
    assert same == load_clap(str(folder), None, "cpu").identity
    assert len({same, identity(other_weight), identity(other_band)}) == 3


def rewrite(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | changes), "utf-8")


def drop_tensor(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    del tensors["text_projection.linear1.weight"]
    save_file(tensors, folder / "model.safetensors")


def add_tensor(folder: Path) -> None:
    save_file(load_file(folder / "model.safetensors") | {"stray.weight": torch.zeros(2)}, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: (f / "model.safetensors").unlink(), r"weights \(model.safetensors\) is missing"),
        (lambda f: (f / "config.json").unlink(), "config.json is missing"),
        (lambda f: [(f / name).unlink() for name in ("tokenizer.json", "vocab.json")], "tokenizer .* is missing"),
        (drop_tensor, "1 tensors missing .*text_projection.linear1.weight"),
        (add_tensor, "not part of it .*stray.weight"),
        (lambda f: rewrite(f / "config.json", projection_dim=16), "of another shape .*projection"),
        (lambda f: rewrite(f / "config.json", model_type="clip"), 'type "clip"'),
        (lambda f: (f / "config.json").write_text("{"), "cannot be read as a CLAP configuration"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nothing!"), "cannot be read as safetensors"),
        (lambda f: rewrite(f / "preprocessor_config.json", padding="repeat"), "repeatpad"),
        (lambda f: rewrite(f / "preprocessor_config.json", feature_size=80), "mel bands"),
    ],
)
def test_a_damaged_folder_is_refused(copy: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(copy)
    with pytest.raises(UserError, match=message):
        load_clap(str(copy), None, "cpu")


def test_weights_in_a_bin_of_plain_tensors(copy: Path, scorer: ClapScorer) -> None:
    """Some models of the hub, laion/larger_clap_music among them, have been published without safetensors."""
    torch.save(load_file(copy / "model.safetensors"), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    inputs = spectrograms(2, 1)
    assert torch.equal(load_clap(str(copy), None, "cpu").encode_audio(inputs), scorer.encode_audio(inputs))


def test_sharded_weights(copy: Path, scorer: ClapScorer) -> None:
    ClapModel.from_pretrained(copy).save_pretrained(copy, max_shard_size="4MB")
    (copy / "model.safetensors").unlink(missing_ok=True)
    assert (copy / "model.safetensors.index.json").is_file()
    inputs = spectrograms(2, 1)
    assert torch.equal(load_clap(str(copy), None, "cpu").encode_audio(inputs), scorer.encode_audio(inputs))
    next(copy.glob("model-00001*")).unlink()
    with pytest.raises(UserError, match="lacks weight files"):
        load_clap(str(copy), None, "cpu")


def test_without_a_feature_extractor_the_usual_constants_hold(copy: Path, scorer: ClapScorer) -> None:
    (copy / "preprocessor_config.json").unlink()
    assert load_clap(str(copy), None, "cpu").front_end == scorer.front_end == ClapFrontEnd()


@pytest.mark.parametrize("model", ["no-such-owner-n2m/no-such-model", "not a hub id, either"])
def test_a_model_that_is_nowhere(model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=f'"{model}"'):
        load_clap(model, None, "cpu")


def test_loading_leaves_the_random_state_alone(folder: Path) -> None:
    before = torch.random.get_rng_state()
    load_clap(str(folder), None, "cpu")
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("gelu", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_packed_linear_is_the_linear_layer(gelu: bool, with_bias: bool) -> None:
    chance = torch.Generator().manual_seed(0)
    inputs, weight = torch.randn(2, 50, 48, generator=chance), torch.randn(72, 48, generator=chance)
    bias = torch.randn(72, generator=chance) if with_bias else None
    expected = torch.nn.functional.linear(inputs.double(), weight.double(), None if bias is None else bias.double())
    expected = torch.nn.functional.gelu(expected) if gelu else expected
    with torch.inference_mode():
        product = PackedLinear(weight, bias, 50, gelu)(inputs)
    assert product.shape == (2, 50, 72)
    assert (product - expected).abs().max() < 1e-4
