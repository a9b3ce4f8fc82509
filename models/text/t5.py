"""A T5 encoder of any size through transformers, from a hub id or a folder (paper section 4.3: un-pooled token embeddings, frozen)."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import T5EncoderModel

from noise2music.core.arrays import Float32s
from noise2music.core.device import one_thread
from noise2music.core.errors import UserError
from noise2music.core.hub import SAFETENSORS, download, quiet_transformers, safetensors_files
from noise2music.core.tensors import hash_files
from noise2music.models.text.encoder import REMEMBERED

VERSION = "t5-2"
CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
_CONVERT = (
    "Pickled weights (pytorch_model.bin) are not read, since they can run code, and a spiece.model alone is no tokenizer. Where such a "
    "model is trusted, `T5EncoderModel.from_pretrained(ID).save_pretrained(FOLDER)` and `AutoTokenizer.from_pretrained(ID)"
    ".save_pretrained(FOLDER)` of transformers, with sentencepiece installed, write what is needed."
)


class T5Encoder:
    """See models.text.encoder.TextEncoder. A sequence ends with T5's end token. `dtype`: float32 on a CPU and bfloat16 on a GPU if None.

    `model`: a folder, or a hub id (`revision`: a branch, tag or commit of it). Weights are safetensors, and no code from the folder or
    the hub is run. Raises UserError that says what is missing.
    """

    def __init__(self, model: str, revision: str | None = None, device: str = "cpu", dtype: torch.dtype | None = None) -> None:
        folder, self.name = Path(model), Path(model).resolve().name
        if not folder.is_dir():
            folder, self.name = download(model, revision, [CONFIG, TOKENIZER], SAFETENSORS, "text.model", "minilm"), model
        files = _files(folder, model)
        dtype = dtype or (torch.float32 if device == "cpu" else torch.bfloat16)
        self._tokenizer = _tokenizer(folder / TOKENIZER)
        network = _network(folder, model, dtype)
        if self._tokenizer.get_vocab_size() > network.config.vocab_size:
            raise UserError(
                f"the tokenizer of {model} has {self._tokenizer.get_vocab_size()} tokens, and its network embeds "
                f"{network.config.vocab_size}: they are of two models. Take both from one."
            )
        self._network = network.requires_grad_(False).to(device)
        self._device = device
        self._end = int(network.config.eos_token_id)
        self._special = {self._end, network.config.pad_token_id}
        self._tokens = lru_cache(REMEMBERED)(self._content_tokens)
        self.identity = hash_files(files, VERSION, str(dtype))
        self.dim = int(network.config.d_model)

    def tokenise(self, text: str) -> tuple[int, ...]:
        """SentencePiece tokens."""
        return self._tokens(text)

    def room(self, tokens: int) -> int:
        """All but the end token."""
        return max(0, tokens - 1)

    def encode(self, ids: Sequence[int]) -> Float32s:
        """(n + 1, dim) last hidden states."""
        with torch.inference_mode(), one_thread():
            sequence = torch.tensor([[*ids, self._end]], device=self._device)
            states: Float32s = self._network(input_ids=sequence).last_hidden_state[0].float().cpu().numpy()
        return states

    def _content_tokens(self, text: str) -> tuple[int, ...]:
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        # A text can spell "</s>", which is a piece of T5's vocabulary.
        return tuple(number for number in ids if number not in self._special)


def _files(folder: Path, model: str) -> list[Path]:
    """The files of the encoder. Raises UserError where it is not a T5 or not complete."""
    config, tokenizer = folder / CONFIG, folder / TOKENIZER
    if config.is_file() and (kind := _kind(config)) != "t5":
        raise UserError(f'{model} is a model of type "{kind}", and text.model takes a T5, "t5".')
    weights = safetensors_files(folder)
    parts = {CONFIG: config.is_file(), f"weights ({SAFETENSORS[0]})": bool(weights), f"a tokenizer ({TOKENIZER})": tokenizer.is_file()}
    if lacking := [what for what, is_there in parts.items() if not is_there]:
        raise UserError(f"{model} is not a complete T5: {', '.join(lacking)} is missing. {_CONVERT}")
    return [*weights, config, tokenizer]


def _kind(config: Path) -> object:
    try:
        return json.loads(config.read_text("utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{config} cannot be read as a T5's configuration ({type(error).__name__}: {error}). Download it again.") from None


def _tokenizer(file: Path) -> Tokenizer:
    """The tokenizer, read by `tokenizers`: transformers would invent one where there is none."""
    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:
        raise UserError(f"{file} cannot be read as a tokenizer ({error}). Download it again.") from None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _network(folder: Path, model: str, dtype: torch.dtype) -> Any:
    """The encoder in evaluation mode. Raises UserError where a tensor is missing, which transformers would fill with random numbers."""
    try:
        with quiet_transformers():
            network, info = T5EncoderModel.from_pretrained(
                folder, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0]
        raise UserError(f"{model} cannot be loaded as a T5 encoder ({type(error).__name__}: {first}). Download it again.") from error
    if missing := sorted(info["missing_keys"]):
        raise UserError(f"the weights of {model} lack {len(missing)} of the encoder's tensors, {missing[0]} among them. Download it again.")
    return network.eval()
