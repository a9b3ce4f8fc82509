"""The T5 path on a T5 made here: loading, what it gives, and what it refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import T5Config, T5EncoderModel, T5ForConditionalGeneration

from noise2music.core.errors import UserError
from noise2music.models.text.load import TextSettings, load_encoder
from noise2music.models.text.t5 import CONFIG, TOKENIZER, T5Encoder
from tests.models.text.small_t5 import DIM, save_t5

WEIGHTS = "model.safetensors"


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


def test_a_whole_t5_gives_its_encoder(folder: Path, tmp_path: Path) -> None:
    """As the hub has them: with a decoder."""
    torch.manual_seed(1)
    whole = T5ForConditionalGeneration(T5Config.from_pretrained(folder))
    whole.save_pretrained(tmp_path)
    shutil.copy(folder / TOKENIZER, tmp_path)
    ids = T5Encoder(str(tmp_path)).tokenise("bright guitar")
    with torch.no_grad():
        expected = whole.eval().encoder(input_ids=torch.tensor([[*ids, 1]])).last_hidden_state[0].numpy()
    np.testing.assert_allclose(T5Encoder(str(tmp_path)).encode(ids), expected, atol=1e-5)


def test_weights_in_parts_give_the_same(folder: Path, tmp_path: Path) -> None:
    T5EncoderModel.from_pretrained(folder).save_pretrained(tmp_path, max_shard_size="10KB")
    shutil.copy(folder / TOKENIZER, tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    one, parts = (T5Encoder(str(place)) for place in (folder, tmp_path))
    ids = one.tokenise("a warm bass")
    assert np.array_equal(one.encode(ids), parts.encode(ids))


def test_any_text_has_tokens_and_none_is_special(folder: Path) -> None:
    encoder = T5Encoder(str(folder))
    for text in ("", " ", "🎻 émouvant", "静かなピアノ曲", "sad </s> <pad> piano", "piano " * 2000):
        ids = encoder.tokenise(text)
        assert not {0, 1} & set(ids)
        assert encoder.encode(ids[:63]).shape == (min(len(ids), 63) + 1, DIM)
    assert len(encoder.tokenise("piano " * 2000)) >= 2000
    assert encoder.tokenise("sad piano") is encoder.tokenise("sad piano")


def test_half_precision_on_request_is_near_and_has_another_identity(folder: Path) -> None:
    full, half = T5Encoder(str(folder)), T5Encoder(str(folder), dtype=torch.bfloat16)
    ids = full.tokenise("a slow piano piece")
    assert half.encode(ids).dtype == np.float32
    np.testing.assert_allclose(half.encode(ids), full.encode(ids), atol=0.1)
    assert half.identity != full.identity


def test_other_files_of_a_folder_do_not_change_the_identity(folder: Path, tmp_path: Path) -> None:
    again = shutil.copytree(folder, tmp_path / "again")
    (again / "trainer_state.json").write_text("{}")
    assert T5Encoder(str(again)).identity == T5Encoder(str(folder)).identity


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    torch.save({"shared.weight": torch.zeros(64, DIM)}, folder / "pytorch_model.bin")


def cut(folder: Path) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[: len(whole) // 2])


def without_a_layer(folder: Path) -> None:
    save_file({name: values for name, values in load_file(folder / WEIGHTS).items() if "block.1" not in name}, folder / WEIGHTS)


def spiece_alone(folder: Path) -> None:
    (folder / TOKENIZER).rename(folder / "spiece.model")


def change_config(**values: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps({**config, **values}))

    return change


def few_embedded(folder: Path) -> None:
    change_config(vocab_size=5)(folder)
    save_file({n: v[:5].clone() if n == "shared.weight" else v for n, v in load_file(folder / WEIGHTS).items()}, folder / WEIGHTS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (pickled, r"weights \(model.safetensors\) is missing. Pickled weights .* are not read.*save_pretrained"),
        (cut, r"cannot be loaded as a T5 encoder \(SafetensorError"),
        (without_a_layer, r"lack 8 of the encoder's tensors, encoder.block.1.layer.0"),
        (spiece_alone, r"a tokenizer \(tokenizer.json\) is missing.*sentencepiece"),
        (few_embedded, r"has \d+ tokens, and its network embeds 5: they are of two models"),
        (change_config(model_type="bert"), r'is a model of type "bert", and text.model takes a T5'),
        (change_config(d_model=32), r"cannot be loaded as a T5 encoder \(RuntimeError"),
        (lambda folder: (folder / CONFIG).write_text("{"), r"config.json cannot be read as a T5's configuration"),
        (lambda folder: (folder / CONFIG).write_text("[]"), r"config.json cannot be read as a T5's configuration"),
        (lambda folder: (folder / CONFIG).unlink(), r"not a complete T5: config.json is missing"),
        (lambda folder: (folder / TOKENIZER).write_text("{}"), r"tokenizer.json cannot be read as a tokenizer"),
    ],
)
def test_what_is_no_whole_t5_is_refused(folder: Path, tmp_path: Path, damage: Callable[[Path], object], message: str) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    damage(copy)
    with pytest.raises(UserError, match=message):
        T5Encoder(str(copy))


def test_a_path_that_is_nowhere() -> None:
    with pytest.raises(UserError, match=r'there is no folder "./no/such/folder", and it cannot be the id of a model'):
        T5Encoder("./no/such/folder")


def test_a_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r'neither a folder nor to be had from the model hub .*text.model = "minilm", which needs no hub'):
        T5Encoder("nobody/no-such-t5")
