"""CLAP models of random weights, small enough to be made in a test, in the form of transformers and in LAION's."""

import random
import re
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizer

PHRASES = [
    "warm bright lo-fi piano jazz",
    "acoustic guitar with heavy drums and a female vocal",
    "slow fast ambient techno punk metal strings",
    "orchestral 80s synth pop ballad instrumental dreamy dark upbeat chill",
]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def write_small_clap(folder: Path, *, fusion: bool = False, seed: int = 0) -> Path:
    """A complete folder (weights, config, feature extractor, tokenizer) of a ClapModel of 2 M parameters, 32 dimensions."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(folder)
    small_clap(vocabulary, fusion=fusion, seed=seed).save_pretrained(folder)
    feature_extractor(fusion).save_pretrained(folder)
    return folder


def write_small_laion(path: Path, *, fusion: bool = False, seed: int = 0, extra: dict[str, object] | None = None) -> ClapModel:
    """A LAION checkpoint at `path` with the tokenizer in `roberta-base` beside it; returns the model whose weights it holds.

    `extra` goes beside the weights, as an optimizer's state would.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    vocabulary = write_tokenizer(path.parent / "roberta-base")
    model = small_clap(vocabulary, fusion=fusion, seed=seed)
    state = {"module." + key: value for key, value in to_laion(model.state_dict()).items()}
    torch.save({"epoch": 3, "name": "small", **(extra or {}), "state_dict": state}, path)
    return model


def write_tokenizer(folder: Path) -> int:
    """A byte-level BPE of RoBERTa's kind, trained on a few words. Returns its number of tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(0)
    corpus = [" ".join(draw.choices(" ".join(PHRASES).split(), k=12)) for _ in range(300)]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(corpus, trainer)
    bpe.model.save(str(folder))
    merges = [tuple(line.split()) for line in (folder / "merges.txt").read_text("utf-8").splitlines()[1:] if line]
    tokenizer = RobertaTokenizer(vocab=bpe.get_vocab(), merges=merges)
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def feature_extractor(fusion: bool = False) -> ClapFeatureExtractor:
    """The constants of LAION's published models."""
    return ClapFeatureExtractor(frequency_min=50, frequency_max=14000, truncation="fusion" if fusion else "rand_trunc", padding="repeatpad")


def small_clap(vocabulary: int, *, fusion: bool = False, seed: int = 0) -> ClapModel:
    """A ClapModel of random weights in which no two tensors are alike, batch statistics and relative positions included."""
    config = ClapConfig(
        text_config={
            "vocab_size": vocabulary,
            "hidden_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 1,
            "intermediate_size": 96,
            "max_position_embeddings": 96,
            "layer_norm_eps": 1e-5,
        },
        audio_config={
            "patch_embeds_hidden_size": 32,
            "hidden_size": 256,
            "depths": [2, 2, 2, 2],
            "num_attention_heads": [4, 8, 16, 32],
            "enable_fusion": fusion,
            "mlp_ratio": 4.0,
        },
        projection_dim=32,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = ClapModel(config).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.dim() == 1:
                    parameter.add_(0.1 * torch.randn_like(parameter))
                elif "relative_position" in name:
                    parameter.normal_(0.0, 0.5)
                elif parameter.dim() > 1:
                    parameter.normal_(0.0, 1.2 / np.sqrt(parameter[0].numel()))
            for name, buffer in model.named_buffers():
                if name.endswith("batch_norm.running_mean"):
                    buffer.uniform_(-30.0, -10.0)
                elif name.endswith("batch_norm.running_var"):
                    buffer.uniform_(50.0, 200.0)
    return model


_TO_LAION = (
    (r"^text_model\.", "text_branch."),
    (r"^audio_model\.audio_encoder\.", "audio_branch."),
    (r"_projection\.linear1\.", "_projection.0."),
    (r"_projection\.linear2\.", "_projection.2."),
    (r"^audio_branch\.batch_norm\.", "audio_branch.bn0."),
)
_BLOCK_TO_LAION = (
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.attention\.self\.", ".attn."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
)


def to_laion(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """ClapModel's names -> LAION's: query, key and value fused, and the tensors that only LAION's code has added."""
    named: dict[str, torch.Tensor] = {}
    for key, value in state.items():
        for pattern, name in _TO_LAION:
            key = re.sub(pattern, name, key)
        if key.startswith("audio_branch.layers."):
            for pattern, name in _BLOCK_TO_LAION:
                key = re.sub(pattern, name, key)
        if key.endswith("token_type_ids"):
            continue
        named[key] = value.clone()
    for key in [key for key in named if ".attn.query." in key]:
        fused = torch.cat([named.pop(key.replace("query", part)) for part in ("query", "key", "value")])
        named[key.replace("query", "qkv")] = fused
    for tower in ("text", "audio"):
        named[f"{tower}_transform.sequential.0.weight"] = torch.zeros(32, 32)
        named[f"{tower}_transform.sequential.3.bias"] = torch.zeros(32)
    named["audio_branch.tscam_conv.weight"] = torch.zeros(527, 8)
    named["audio_branch.head.bias"] = torch.zeros(527)
    named["audio_branch.layers.0.blocks.1.attn_mask"] = torch.zeros(64, 64, 64)
    return named
