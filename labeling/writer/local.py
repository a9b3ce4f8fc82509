"""A causal LM in this process as a writer: a hub id, a folder, or the starter that ships.

On a CPU the replies are the same for any batch, order or number of workers. Requests of equal prompt length share a batch, so nothing is
padded. Every batch has ROWS rows; an incomplete one is filled up with copies. It runs on one thread. So matrix products always have the
same shape, and a reply does not depend on the other requests.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging as transformers_logging

from noise2music.core import hub
from noise2music.core.device import choose_device
from noise2music.core.errors import RowError, UserError, first_line
from noise2music.core.ids import hash_uniform
from noise2music.core.tensors import hash_files
from noise2music.labeling.writer.base import Answer, Keep, Reply, Request, WriterStopped
from noise2music.labeling.writer.tokens import prompt_tokens

# The next token is drawn by temperature and nucleus, with a random number that is a pure function of (the request's seed, the
# token's position).


def draw(logits: npt.NDArray[np.float32], temperature: float, top_p: float, seed: int, position: int) -> int:
    """(V,) logits -> a token id. temperature 0: the likeliest. Equal likelihoods rank by id.

    The nucleus is the smallest set of likeliest tokens with a probability of at least `top_p` (arXiv 1904.09751, section 3.1).
    """
    if temperature == 0:
        return int(np.argmax(logits))
    scaled = logits.astype(np.float64) / temperature
    likelihood = np.exp(scaled - scaled.max())
    order = np.argsort(-likelihood, kind="stable")
    cumulative = np.cumsum(likelihood[order])
    size = int(np.searchsorted(cumulative, top_p * cumulative[-1])) + 1
    uniform = float(hash_uniform(seed, np.full(1, position, np.uint64))[0])
    chosen = int(np.searchsorted(cumulative[:size], uniform * cumulative[min(size, len(order)) - 1], side="right"))
    return int(order[min(chosen, size - 1, len(order) - 1)])


# The starter writer: a causal LM of 2.8 M parameters that ships with the project, as transformers reads it. Llama architecture with
# a byte-level BPE of its own, in which every digit is a token. Trained by scripts.starter_writer.train.


if TYPE_CHECKING:
    from transformers import LlamaConfig

STARTER = "starter"
PROMPT = "songs-starter"
VOCABULARY = 3072
CONTEXT = 4096
"""The most tokens of a prompt and its reply. Slots are bounded, so every song fits. Training saw about 250 at most."""
BEGIN, END, PAD = "<s>", "</s>", "<pad>"


def starter_folder() -> Path:
    """The folder with the model's files, in the form that transformers and vLLM load."""
    return Path(str(resources.files("noise2music.labeling.writer") / "starter"))


def starter_config() -> "LlamaConfig":
    """The architecture: 5 layers, width 192, 6 heads of 32 (the width of head that vLLM's CPU kernels take)."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=5,
        num_attention_heads=6,
        num_key_value_heads=6,
        head_dim=32,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=2,
    )


VERSION = "local-1"
ROWS = 8
"""Rows of a batch on a CPU: the samples of one song, which have one prompt."""
GPU_ROWS = 64
_FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]


@dataclass
class _Row:
    """One request in progress. ids: tokens drawn so far. finish: None until the reply ends."""

    position: int
    request: Request
    prompt: list[int]
    ids: list[int]
    text: str = ""
    finish: str | None = None


class LocalWriter:
    """`model`: "starter", a folder or a hub id (`revision`: of it). Weights are safetensors; no code from the folder or the hub is run.

    Raises UserError that says what is missing.
    """

    def __init__(self, model: str, revision: str | None, device: str) -> None:
        folder = starter_folder() if model == STARTER else _folder(model, revision)
        files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".json", ".model", ".txt", ".jinja"))
        if not any(path.suffix == ".safetensors" for path in files):
            raise UserError(f"{folder} has no *.safetensors. A writer is a folder of a causal LM, a hub id, or {STARTER!r}.")
        self.name = model
        self.identity = hash_files(files, VERSION)
        self._device = choose_device(device)
        if self._device == "cpu":
            torch.set_num_threads(1)
        transformers_logging.disable_progress_bar()
        dtype: Any = torch.float32 if self._device == "cpu" else "auto"
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, use_safetensors=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{model} cannot be loaded as a causal LM: {first_line(error)}") from error
        self._network = loaded.eval().requires_grad_(False).to(self._device)
        self._context = int(getattr(loaded.config, "max_position_embeddings", 1 << 30))
        ends = loaded.generation_config.eos_token_id if loaded.generation_config else self._tokenizer.eos_token_id
        self._ends = frozenset([ends] if isinstance(ends, int) else ends or ())
        self._lock = threading.Lock()

    def write(self, requests: Sequence[Request], keep: Keep) -> None:
        """See labeling.writer.base.Writer."""
        by_length: dict[int, list[int]] = defaultdict(list)
        refused: list[tuple[int, Answer]] = []
        for position in range(len(requests)):
            request = requests[position]
            tokens = len(self._tokens(request))
            if tokens + request.max_tokens > self._context:
                limit = f"the prompt has {tokens} tokens; with max_tokens = {request.max_tokens} that is more than {self._context}"
                refused.append((position, RowError("bad_request", limit)))
            else:
                by_length[tokens].append(position)
        if refused:
            keep(refused)
        rows = ROWS if self._device == "cpu" else GPU_ROWS
        for length in sorted(by_length):
            positions = by_length[length]
            for start in range(0, len(positions), rows):
                batch = [self._row(position, requests[position]) for position in positions[start : start + rows]]
                with self._lock:
                    keep(list(self._generate(batch, rows)))

    def count_tokens(self, requests: Sequence[Request]) -> list[int]:
        """Tokens of each prompt."""
        return [len(self._tokens(request)) for request in requests]

    def encode(self, text: str, special: bool = True) -> list[int]:
        """Token ids of a text, with the tokeniser's own marks around it when `special`."""
        return list(self._tokenizer(text, add_special_tokens=special).input_ids)

    def close(self) -> None:
        """Nothing to let go of but memory, which goes with the writer."""

    def _tokens(self, request: Request) -> list[int]:
        if request.messages and not self._tokenizer.chat_template:
            raise WriterStopped(f"{self.name} has no chat template. Choose a completion prompt ([write] prompt), or a chat model.")
        return prompt_tokens(self._tokenizer, request)

    def _row(self, position: int, request: Request) -> _Row:
        return _Row(position, request, self._tokens(request), [])

    def _generate(self, batch: list[_Row], rows: int) -> Iterator[tuple[int, Answer]]:
        """Answer requests of equal prompt length. All rows go on until the last has finished."""
        started = time.perf_counter()
        filled = batch + [batch[0]] * (rows - len(batch))
        inputs = torch.tensor([row.prompt for row in filled], device=self._device)
        cache = None
        with torch.inference_mode():
            while any(row.finish is None for row in batch):
                output = self._network(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
                cache = output.past_key_values
                logits = output.logits[:, -1].float().cpu().numpy()
                tokens = []
                for number, row in enumerate(batch):
                    tokens.append(self._step(row, logits[number]))
                tokens += [tokens[0]] * (rows - len(batch))
                inputs = torch.tensor(tokens, device=self._device)[:, None]
        seconds = round((time.perf_counter() - started) / len(batch), 3)
        for row in batch:
            yield row.position, Reply(row.text, row.finish or "stop", len(row.prompt), len(row.ids), 1, seconds)

    def _step(self, row: _Row, logits: Any) -> int:
        """Draw a row's next token. A row that has finished gets its last token again, which nobody reads."""
        request = row.request
        if row.finish is not None:
            return row.ids[-1]
        token = draw(logits, request.temperature, request.top_p, request.seed, len(row.ids))
        row.ids.append(token)
        if token in self._ends:
            row.finish = "stop"
            return token
        row.text = str(self._tokenizer.decode(row.ids, skip_special_tokens=True))
        stops = [index for stop in request.stop if (index := row.text.find(stop)) >= 0]
        if stops:
            row.text, row.finish = row.text[: min(stops)], "stop"
        elif len(row.ids) >= request.max_tokens:
            row.finish = "length"
        return token


def _folder(model: str, revision: str | None) -> Path:
    if Path(model).is_dir():
        return Path(model)
    try:
        return hub.download(model, revision, _FILES, (), "write.model", STARTER)
    except UserError as error:
        raise UserError(
            f"cannot load the writer {model}: {str(error).rstrip('.')}. Or give the url of a server in [run.server]."
        ) from error
