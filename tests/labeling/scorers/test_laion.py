"""LAION's checkpoints: the mapping of names as a round trip, and what a .pt file must not do.

That laion-clap itself gives the same embeddings is shown by benchmarks/embed_laion.py.
"""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ClapModel

from noise2music.core.audio.mel import LogMel
from noise2music.core.errors import UserError
from noise2music.labeling.scorers.laion import load_laion, read_config, to_transformers
from tests.small_clap import small_clap, to_laion, write_small_laion, write_tokenizer

COMPUTED = ("token_type_ids", "position_ids")


@pytest.mark.parametrize("fusion", [False, True])
def test_mapping_round_trip(fusion: bool) -> None:
    """transformers -> LAION -> transformers: the same names, the same numbers, and the shapes give the configuration back."""
    model = small_clap(300, fusion=fusion)
    expected = {key: value for key, value in model.state_dict().items() if not key.endswith(COMPUTED)}
    laion = to_laion(model.state_dict())
    mapped = {key: value for key, value in to_transformers(laion).items() if not key.endswith(COMPUTED)}
    assert mapped.keys() == expected.keys()
    assert all(torch.equal(mapped[key], expected[key]) for key in expected)
    config = read_config(laion)
    for part in ("audio_config", "text_config"):
        for key in ("depths", "num_attention_heads", "hidden_size", "patch_embeds_hidden_size", "enable_fusion", "intermediate_size"):
            assert getattr(getattr(config, part), key, None) == getattr(getattr(model.config, part), key, None), key


@pytest.mark.parametrize("fusion", [False, True])
def test_embeddings_are_those_of_the_model(tmp_path: Path, fusion: bool) -> None:
    model = write_small_laion(tmp_path / "model.pt", fusion=fusion)
    scorer = load_laion(tmp_path / "model.pt", "cpu")
    inputs = 15.0 * torch.randn(2, 1, 1001, 64, generator=torch.Generator().manual_seed(0)) - 30.0
    tokens = scorer.tokenizer(["warm piano jazz", "heavy drums"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        audio = model.get_audio_features(input_features=inputs, is_longer=torch.zeros(2, 1, dtype=torch.bool)).pooler_output
        text = model.get_text_features(**tokens).pooler_output
    assert (scorer.encode_audio(inputs) - audio).abs().max() < 1e-5
    np.testing.assert_allclose(scorer.embed_text(["warm piano jazz", "heavy drums"]).joint_embeddings, text.numpy(), rtol=0, atol=1e-5)
    assert scorer.front_end.log_mel == (LogMel(scale="htk", norm=None) if fusion else LogMel())


def test_numpy_numbers_beside_the_weights_are_harmless(tmp_path: Path) -> None:
    """LAION's training kept its best scores as numpy scalars, and its optimizer."""
    extra: dict[str, object] = {
        "top_k_performance": {0: np.float64(0.5), 1: np.float32(0.25), "n": np.int64(3)},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": np.float64(1e-4), "params": [0]}]},
    }
    write_small_laion(tmp_path / "model.pt", extra=extra)
    assert load_laion(tmp_path / "model.pt", "cpu").dim == 32


class Payload:
    """Pickled, it asks the reader to create a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return Path.touch, (self.target,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("plain_pickle", [False, True])
def test_a_pickle_payload_is_refused_and_not_run(tmp_path: Path, plain_pickle: bool) -> None:
    path, target = tmp_path / "model.pt", tmp_path / "was-run"
    if plain_pickle:
        path.write_bytes(pickle.dumps({"state_dict": {}, "extra": Payload(target)}))
    else:
        write_small_laion(path, extra={"extra": Payload(target)})
    with pytest.raises(UserError, match="only running code"):
        load_laion(path, "cpu")
    assert not target.exists()


def test_a_numpy_object_is_refused(tmp_path: Path) -> None:
    write_small_laion(tmp_path / "model.pt", extra={"extra": np.array([{"a": 1}], dtype=object)})
    with pytest.raises(UserError, match="numpy"):
        load_laion(tmp_path / "model.pt", "cpu")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip"])
def test_what_is_not_a_checkpoint(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"model\.pt"):
        load_laion(tmp_path / "model.pt", "cpu")


def test_a_truncated_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    write_small_laion(path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(UserError, match=r"model\.pt"):
        load_laion(path, "cpu")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        load_laion(tmp_path / "model.pt", "cpu")


def saved(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    state = to_laion(small_clap(write_tokenizer(path.parent / "roberta-base")).state_dict())
    change(state)
    torch.save(state, path)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("text_projection.2.bias"), "1 tensors missing .*text_projection.linear2.bias"),
        (lambda s: s.update({"audio_branch.new_layer.weight": torch.zeros(1)}), "not part of it .*new_layer.weight"),
        (lambda s: s.update({"text_projection.2.bias": torch.zeros(7)}), "of another shape .*text_projection.linear2.bias"),
        (lambda s: s.pop("audio_branch.patch_embed.proj.weight"), "HTSAT audio tower .*patch_embed.proj.weight"),
        (lambda s: s.update({"audio_branch.logmel_extractor.melW": torch.ones(513, 64)}), "trained on another spectrogram"),
        (lambda s: s.update({"audio_branch.logmel_extractor.melW": torch.ones(769, 64)}), "trained on another spectrogram"),
        (lambda s: s.clear(), "not a LAION CLAP checkpoint"),
    ],
)
def test_every_tensor_has_its_place(tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_laion(saved(tmp_path / "model.pt", change), "cpu")


def test_the_filters_in_the_checkpoint_may_be_ours(tmp_path: Path) -> None:
    filters = LogMel().filters().T.clone()
    assert load_laion(saved(tmp_path / "model.pt", lambda s: s.update({"audio_branch.logmel_extractor.melW": filters})), "cpu")


def test_without_a_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    write_small_laion(tmp_path / "model.pt")
    (tmp_path / "roberta-base").rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="put that folder beside the checkpoint"):
        load_laion(tmp_path / "model.pt", "cpu")


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    vocabulary = write_tokenizer(tmp_path / "roberta-base")
    torch.save(to_laion(small_clap(vocabulary - 50).state_dict()), path)
    with pytest.raises(UserError, match="do not belong together"):
        load_laion(path, "cpu")


def test_identity_follows_the_file(tmp_path: Path) -> None:
    for number, seed in enumerate((0, 0, 1)):
        write_small_laion(tmp_path / str(number) / "model.pt", seed=seed)
    first, again, other = (load_laion(tmp_path / str(number) / "model.pt", "cpu").identity for number in range(3))
    assert first == again != other


def test_the_small_model_tells_weights_apart() -> None:
    """Guards the tests above: two seeds, or a batch norm left out, give another embedding."""
    inputs = 15.0 * torch.randn(1, 1, 1001, 64, generator=torch.Generator().manual_seed(0)) - 30.0

    def embed(model: ClapModel) -> torch.Tensor:
        with torch.inference_mode():
            return model.get_audio_features(input_features=inputs, is_longer=torch.zeros(1, 1, dtype=torch.bool)).pooler_output

    plain, other, blind = small_clap(300), small_clap(300, seed=1), small_clap(300)
    blind.audio_model.audio_encoder.batch_norm.reset_running_stats()
    assert (embed(plain) - embed(other)).abs().max() > 1e-2
    assert (embed(plain) - embed(blind)).abs().max() > 1e-2
