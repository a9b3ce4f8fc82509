"""Builds a transformers ClapModel from tensors. Missing, unknown or misshapen tensors are an error that names them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import ClapConfig, ClapModel, RobertaTokenizer
from transformers.utils import logging

from noise2music.core.errors import UserError
from noise2music.core.tensors import Tensors

# Buffers that follow from the configuration or that inference does not read.
_COMPUTED = ("position_ids", "token_type_ids", "relative_position_index", "num_batches_tracked")
_TOKENIZER_JSON = ("tokenizer.json",)
_TOKENIZER_BPE = ("vocab.json", "merges.txt")
_NAMED = 6


def build_clap(config: ClapConfig, tensors: Tensors, source: str) -> ClapModel:
    """The model in evaluation mode, float32, on the CPU. `source` names the weights in messages. Raises UserError.

    The tensors are copied: those of a mapped file lie at odd addresses, and the last bits of a matrix product depend on that.
    """
    with _quiet():
        model, info = ClapModel.from_pretrained(
            None,
            config=config,
            state_dict={key: tensor.clone() for key, tensor in tensors.items()},
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    missing = sorted(key for key in info["missing_keys"] if not key.endswith(_COMPUTED))
    unexpected = sorted(key for key in info["unexpected_keys"] if not key.endswith(_COMPUTED))
    misshapen = sorted(str(key[0]) for key in info["mismatched_keys"])
    if missing or unexpected or misshapen:
        raise UserError(f"{source} does not fill a CLAP model: {_faults(missing, unexpected, misshapen)}. Use a complete CLAP checkpoint.")
    model.eval()
    model.requires_grad_(False)
    return model


def read_tokenizer(folder: Path, vocabulary: int) -> tuple[RobertaTokenizer, list[Path]]:
    """RoBERTa's tokenizer and the files it was made from. `vocabulary`: rows of the model's word embedding. Raises UserError."""
    files = tokenizer_files(folder)
    if not files:
        raise UserError(f"{folder} has no tokenizer: neither tokenizer.json nor vocab.json with merges.txt")
    try:
        with _quiet():
            tokenizer = RobertaTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:
        raise UserError(f"the tokenizer in {folder} cannot be read ({type(error).__name__}: {error})") from None
    if len(tokenizer) > vocabulary:
        raise UserError(f"the tokenizer in {folder} has {len(tokenizer)} tokens, the model only {vocabulary}: they do not belong together")
    return tokenizer, files


def tokenizer_files(folder: Path) -> list[Path]:
    """The files in `folder` that make a RoBERTa tokenizer; empty where there is none."""
    for names in (_TOKENIZER_JSON, _TOKENIZER_BPE):
        if all((folder / name).is_file() for name in names):
            return [folder / name for name in names]
    return []


def _faults(missing: list[str], unexpected: list[str], misshapen: list[str]) -> str:
    kinds = (("missing", missing), ("not part of it", unexpected), ("of another shape", misshapen))
    return "; ".join(
        f"{len(keys)} tensors {kind} ({', '.join(keys[:_NAMED])}{', ...' if len(keys) > _NAMED else ''})" for kind, keys in kinds if keys
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences transformers' progress bars and load reports: `build_clap` reports what is wrong itself."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
