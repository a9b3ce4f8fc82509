"""From LAION's checkpoint to transformers' ClapModel: the shapes of its tensors say which model it is, and every name has another there.

LAION's HTSAT-tiny has 96 channels and depths 2, 2, 6, 2; HTSAT-base 128 and 2, 2, 12, 2; HTSAT-large 256 and 2, 2, 12, 2.
All work on windows of 8 with heads of 24, 32 or 64 channels (4, 8, 16 and 32 of them in the four stages).
"""

import re
from collections.abc import Mapping

import torch
from transformers import ClapConfig

from labeling.errors import UserError
from labeling.scorers.weights import Tensors

_ROBERTA_HEAD = 64
_LAYER_NORM_EPS = 1e-5

# Constants of the front end (its own `mel` here), heads for AudioSet's classes, masks, and two layers only training used.
_LEFT_OUT = re.compile(
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
    """LAION's tensors, without "module." -> ClapModel's. What inference does not use is left out; an unknown name is passed on as it is."""
    tensors: Tensors = {}
    for key, value in state.items():
        if _LEFT_OUT.search(key):
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
