"""LAION's own checkpoints (.pt, for example music_audioset_epoch_15_esc_90.14.pt) as a scorer: ClapModel's network under other names.

A checkpoint is read with weights_only=True: of pickled objects only tensors, plain containers and numpy numbers pass.
It has no tokenizer; RoBERTa's is taken from a folder beside it, or from the hub.
"""

from pathlib import Path

import torch

from labeling.errors import UserError
from labeling.scorers.clap import MAX_TOKENS, VERSION, ClapScorer, clap_front_end, download
from labeling.scorers.clap_model import build_clap, read_tokenizer, tokenizer_files
from labeling.scorers.clap_windows import ClapFrontEnd
from labeling.scorers.laion_keys import read_config, to_transformers
from labeling.scorers.weights import Tensors, hash_files, read_pickled

TOKENIZER_FOLDER = "roberta-base"
TOKENIZER_HUB_ID = "FacebookAI/roberta-base"
_PREFIX = "module."
_FILTER_TOLERANCE = 1e-6


def load_laion(path: Path, device: str) -> ClapScorer:
    """A .pt file with RoBERTa's tokenizer files beside it, in a folder `roberta-base` beside it, or in the hub. Raises UserError."""
    state = _state(read_pickled(path), path)
    try:
        config = read_config(state)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    front_end = clap_front_end(bool(config.audio_config.enable_fusion))
    _check_front_end(state, front_end, path)
    folder = _tokenizer_folder(path)
    tokenizer, tokens = read_tokenizer(folder, config.text_config.vocab_size)
    model = build_clap(config, to_transformers(state), str(path))
    identity = hash_files([path, *tokens], VERSION, "laion", repr(front_end), str(MAX_TOKENS))
    return ClapScorer(path.stem, identity, device, front_end, model, tokenizer)


def _state(content: object, path: Path) -> Tensors:
    """The tensors of a checkpoint, with or without what training kept beside them, without the prefix of data-parallel training."""
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(f"{path} holds no state dict of tensors: it is not a LAION CLAP checkpoint")
    return {str(key).removeprefix(_PREFIX): value for key, value in state.items()}


def _check_front_end(state: Tensors, front_end: ClapFrontEnd, path: Path) -> None:
    """A non-fusion checkpoint carries the mel filters it was trained with: they must be ours."""
    theirs = state.get("audio_branch.logmel_extractor.melW")
    if theirs is None or front_end.log_mel.norm is None:
        return
    ours = front_end.log_mel.filters()
    if theirs.shape != ours.T.shape or (theirs - ours.T).abs().max() > _FILTER_TOLERANCE:
        raise UserError(
            f"{path} was trained on another spectrogram than 64 mel bands from 50 to 14000 Hz at 48 kHz with 1024 samples a frame; "
            "only LAION's HTSAT models of that kind are supported"
        )


def _tokenizer_folder(path: Path) -> Path:
    for folder in (path.parent / TOKENIZER_FOLDER, path.parent):
        if tokenizer_files(folder):
            return folder
    try:
        return download(TOKENIZER_HUB_ID, None, ["tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"])
    except UserError:
        raise UserError(
            f"{path} needs the tokenizer of roberta-base, which is neither beside it nor to be had from the model hub. On a machine "
            f"that reaches the hub, `hf download {TOKENIZER_HUB_ID} tokenizer.json tokenizer_config.json --local-dir {TOKENIZER_FOLDER}` "
            "fetches it: put that folder beside the checkpoint."
        ) from None
