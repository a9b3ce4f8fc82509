"""LAION's own checkpoints (.pt, for example music_audioset_epoch_15_esc_90.14.pt) as a scorer: ClapModel's network under other names.

A checkpoint is read with weights_only=True, which lets through tensors, plain containers and numpy numbers only. It holds no tokenizer;
RoBERTa's comes from a folder beside it, or from the hub.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import ClapConfig

from noise2music.core.errors import UserError
from noise2music.core.tensors import Tensors, hash_files, read_pickled
from noise2music.labeling.scorers.clap import MAX_TOKENS, VERSION, ClapFrontEnd, ClapScorer, clap_front_end, download
from noise2music.labeling.scorers.clap_model import build_clap, read_tokenizer, tokenizer_files

# From LAION's checkpoint to transformers' ClapModel: the shapes of its tensors say which model it is, and every name has another
# there. LAION's HTSAT-tiny has 96 channels and depths 2, 2, 6, 2; HTSAT-base 128 and 2, 2, 12, 2; HTSAT-large 256 and 2, 2, 12, 2.
# All work on windows of 8 with heads of 24, 32 or 64 channels (4, 8, 16 and 32 of them in the four stages).


_ROBERTA_HEAD = 64
_LAYER_NORM_EPS = 1e-5

# Constants of the front end (its own `mel` here), heads for AudioSet's classes, masks, and two layers only training used.
_UNUSED = re.compile(
    r"^audio_branch\.(spectrogram_extractor|logmel_extractor|tscam_conv|head)\."
    r"|^audio_branch\..*\.attn_mask$"
    r"|^(text|audio)_transform\."
)
_RENAMED = (
    (re.compile(r"^text_branch\."), "text_model."),
    (re.compile(r"^audio_branch\.bn0\."), "audio_model.audio_encoder.batch_norm."),
    (re.compile(r"^audio_branch\."), "audio_model.audio_encoder."),
    (re.compile(r"^(text|audio)_projection\.0\."), r"\1_projection.linear1."),
    (re.compile(r"^(text|audio)_projection\.2\."), r"\1_projection.linear2."),
)
_RENAMED_IN_BLOCKS = (
    (re.compile(r"\.attn\.proj\."), ".attention.output.dense."),
    (re.compile(r"\.attn\."), ".attention.self."),
    (re.compile(r"\.mlp\.fc1\."), ".intermediate.dense."),
    (re.compile(r"\.mlp\.fc2\."), ".output.dense."),
    (re.compile(r"\.norm1\."), ".layernorm_before."),
    (re.compile(r"\.norm2\."), ".layernorm_after."),
)
_QKV = re.compile(r"\.attention\.self\.qkv\.(weight|bias)$")


def to_transformers(state: Mapping[str, torch.Tensor]) -> Tensors:
    """LAION's tensors, without "module." -> ClapModel's. Tensors that inference does not use are dropped; unknown names stay as they
    are.
    """
    tensors: Tensors = {}
    for key, value in state.items():
        if _UNUSED.search(key):
            continue
        name = _rename(key, _RENAMED)
        if name.startswith("audio_model.audio_encoder.layers."):
            name = _rename(name, _RENAMED_IN_BLOCKS)
        fused = _QKV.search(name)
        if fused is None:
            tensors[name] = value
            continue
        for part, rows in zip(("query", "key", "value"), value.chunk(3, dim=0), strict=True):
            tensors[f"{name[: fused.start()]}.attention.self.{part}.{fused[1]}"] = rows
    return tensors


def read_config(state: Mapping[str, torch.Tensor]) -> ClapConfig:
    """The configuration that LAION's tensors, without "module.", have the shapes of. Raises UserError on any but HTSAT with RoBERTa."""
    try:
        words, hidden = state["text_branch.embeddings.word_embeddings.weight"].shape
        width = state["audio_branch.patch_embed.proj.weight"].shape[0]
        depths = [_count(state, rf"audio_branch\.layers\.{stage}\.blocks") for stage in range(_count(state, r"audio_branch\.layers"))]
        heads = [state[f"audio_branch.layers.{stage}.blocks.0.attn.relative_position_bias_table"].shape[1] for stage in range(len(depths))]
        return ClapConfig(
            text_config={
                "vocab_size": words,
                "hidden_size": hidden,
                "num_hidden_layers": _count(state, r"text_branch\.encoder\.layer"),
                "num_attention_heads": hidden // _ROBERTA_HEAD,
                "intermediate_size": state["text_branch.encoder.layer.0.intermediate.dense.weight"].shape[0],
                "max_position_embeddings": state["text_branch.embeddings.position_embeddings.weight"].shape[0],
                "layer_norm_eps": _LAYER_NORM_EPS,
            },
            audio_config={
                "patch_embeds_hidden_size": width,
                "hidden_size": state["audio_projection.0.weight"].shape[1],
                "depths": depths,
                "num_attention_heads": heads,
                "num_mel_bins": state["audio_branch.bn0.weight"].shape[0],
                "enable_fusion": "audio_branch.patch_embed.mel_conv2d.weight" in state,
            },
            projection_dim=state["audio_projection.0.weight"].shape[0],
        )
    except (KeyError, IndexError, ValueError) as error:
        raise UserError(f"not a LAION checkpoint with an HTSAT audio tower and a RoBERTa text tower: {error} is missing") from None


def _rename(key: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, name in rules:
        key = pattern.sub(name, key)
    return key


def _count(state: Mapping[str, torch.Tensor], prefix: str) -> int:
    """How many numbered modules follow `prefix`."""
    numbers = {match[1] for key in state if (match := re.match(rf"^{prefix}\.(\d+)\.", key))}
    return len(numbers)


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
    """The tensors of a checkpoint, without the training state beside them and without the prefix of data-parallel training."""
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(f"{path} holds no state dict of tensors: it is not a LAION CLAP checkpoint")
    return {str(key).removeprefix(_PREFIX): value for key, value in state.items()}


def _check_front_end(state: Tensors, front_end: ClapFrontEnd, path: Path) -> None:
    """A non-fusion checkpoint holds the mel filters it was trained with. They must equal ours."""
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
