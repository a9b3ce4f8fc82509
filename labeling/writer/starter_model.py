"""The starter writer: a causal LM of 2.8 M parameters that ships with the project, as transformers reads it.

Llama architecture with a byte-level BPE of its own, in which every digit is a token. Trained by labeling.writer.starter_train.
"""

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import LlamaConfig

STARTER = "starter"
PROMPT = "songs-starter"
VOCABULARY = 3072
CONTEXT = 4096
"""Tokens that a prompt and its reply may have: slots are bounded, so every song fits. Training saw about 250 at most."""
BEGIN, END, PAD = "<s>", "</s>", "<pad>"


def starter_folder() -> Path:
    """The folder with the model's files, in the form that transformers and vLLM load."""
    return Path(str(resources.files("labeling.writer") / "starter"))


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
