"""The T5 path on a T5 made here: loading, what it gives, and what it refuses."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import T5EncoderModel

from labeling.errors import UserError
from models.text.load import TextSettings, load_encoder
from models.text.t5 import T5Encoder
from tests.models.text.small_t5 import DIM, save_t5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_t5(tmp_path_factory.mktemp("t5"))


def test_embeddings_are_the_encoders_own(folder: Path) -> None:
    encoder = load_encoder(TextSettings(model=str(folder)))
    ids = encoder.tokenise("a slow piano piece")
    found = encoder.encode(ids)
    assert found.shape == (len(ids) + 1, DIM) == (len(ids) + 1, encoder.dim)
    network = T5EncoderModel.from_pretrained(folder).eval()
    with torch.no_grad():
        padded = torch.tensor([[*ids, 1, 0, 0, 0]])
        expected = network(input_ids=padded, attention_mask=(torch.arange(padded.shape[1]) <= len(ids))[None].long()).last_hidden_state
    np.testing.assert_allclose(found, expected[0, : len(ids) + 1].numpy(), atol=1e-5)
    assert encoder.room(64) == 63


def test_identity_is_of_the_content(folder: Path, tmp_path: Path) -> None:
    again = shutil.copytree(folder, tmp_path / "again")
    assert T5Encoder(str(again)).identity == T5Encoder(str(folder)).identity
    config = json.loads((again / "config.json").read_text())
    (again / "config.json").write_text(json.dumps({**config, "dropout_rate": 0.3}))
    assert T5Encoder(str(again)).identity != T5Encoder(str(folder)).identity


def test_weights_in_a_pickle_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = save_t5(tmp_path / "copy")
    (copy / "model.safetensors").unlink()
    torch.save(T5EncoderModel.from_pretrained(folder).state_dict(), copy / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"has no \*\.safetensors"):
        T5Encoder(str(copy))


def test_another_kind_of_model_is_refused(tmp_path: Path) -> None:
    copy = save_t5(tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(UserError, match=r"is a model of type 'bert', not a T5"):
        T5Encoder(str(copy))


def test_damaged_weights_are_said(tmp_path: Path) -> None:
    copy = save_t5(tmp_path / "copy")
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match=r"cannot be loaded as a T5 encoder"):
        T5Encoder(str(copy))


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"neither a folder nor to be had from the model hub"):
        T5Encoder("nobody/no-such-t5")
