"""A T5 made on the spot: random weights and a tokenizer of a few words, saved as transformers saves them."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

WORDS = ["a slow sad piano piece", "bright guitar with drums", "strings and a warm bass", "fast, loud and joyful music"]
DIM = 24


def save_t5(folder: Path) -> Path:
    """Write a T5 encoder with `DIM` wide embeddings into a folder."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=60, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(WORDS * 3, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(vocab_size=64, d_model=DIM, d_kv=8, d_ff=32, num_layers=2, num_heads=2, eos_token_id=1, pad_token_id=0)
    T5EncoderModel(config).save_pretrained(folder)
    return folder
