"""A T5 encoder of any size through transformers, from a hub id or a folder (paper section 4.3: un-pooled token embeddings, frozen)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from safetensors import SafetensorError
from transformers import AutoConfig, AutoTokenizer, T5EncoderModel
from transformers.utils import logging as transformers_logging

from labeling.errors import UserError
from labeling.scorers.base import Float32s
from labeling.scorers.weights import hash_files

VERSION = "t5-1"
_FILES = ["*.json", "*.safetensors", "*.model"]


class T5Encoder:
    """See models.text.encoder.TextEncoder. A sequence ends with T5's end token. float32 on a CPU, bfloat16 on a GPU.

    Weights are safetensors; no code from the folder or the hub is run. Raises UserError that says what is missing.
    """

    def __init__(self, model: str, revision: str | None = None, device: str = "cpu") -> None:
        folder = Path(model) if Path(model).is_dir() else _download(model, revision)
        files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".json", ".model"))
        if not any(path.suffix == ".safetensors" for path in files):
            raise UserError(f"{model} has no *.safetensors. A text encoder is a folder or hub id of a T5 saved with save_pretrained.")
        transformers_logging.disable_progress_bar()
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        try:
            kind = AutoConfig.from_pretrained(folder, trust_remote_code=False).model_type
            if kind != "t5":
                raise UserError(f"{model} is a model of type {kind!r}, not a T5. Set text.model to a T5, for example google/t5-v1_1-xxl.")
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            network = T5EncoderModel.from_pretrained(folder, dtype=dtype, use_safetensors=True)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise UserError(f"{model} cannot be loaded as a T5 encoder: {_first_line(error)}") from error
        self._network: Any = network.eval().requires_grad_(False).to(device)
        self._device = device
        self.name = model if not Path(model).is_dir() else Path(model).resolve().name
        self.identity = hash_files(files, VERSION, str(dtype))
        self.dim = int(network.config.d_model)

    def tokenise(self, text: str) -> tuple[int, ...]:
        """SentencePiece tokens."""
        return tuple(self._tokenizer(text, add_special_tokens=False).input_ids)

    def room(self, tokens: int) -> int:
        """All but the end token."""
        return max(0, tokens - 1)

    def encode(self, ids: Sequence[int]) -> Float32s:
        """(n + 1, dim) last hidden states."""
        sequence = torch.tensor([[*ids, self._network.config.eos_token_id]], device=self._device)
        with torch.inference_mode():
            states: Float32s = self._network(input_ids=sequence).last_hidden_state[0].float().cpu().numpy()
        return states


def _download(model: str, revision: str | None) -> Path:
    """The folder of a hub id in the hub's cache. Raises UserError."""
    try:
        return Path(snapshot_download(model, revision=revision, allow_patterns=_FILES))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise UserError(
            f'"{model}" is neither a folder nor to be had from the model hub ({_first_line(error)}). On a machine that reaches the hub, '
            f"`hf download {model} --local-dir t5` fetches it: copy that folder here and give its path as text.model, or set "
            'text.model = "minilm", which needs no hub.'
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
