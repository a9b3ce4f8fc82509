"""Trains the starter writer from nothing on songs that a grammar makes up (scripts.starter_writer.songs).

    python -m scripts.starter_writer.train OUT                  # the weights that ship: about 45 minutes on one core
    python -m scripts.starter_writer.train OUT --steps 50       # to see it work

OUT becomes a folder that transformers and vLLM load: config, tokeniser, safetensors in half precision.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from noise2music.labeling.writer.local import BEGIN, CONTEXT, END, PAD, PROMPT, STARTER, VOCABULARY, starter_config
from noise2music.labeling.writer.prompt import Prompt, load_prompt
from noise2music.labeling.writer_settings import Write
from scripts.starter_writer.songs import made_up_song

TOKENISER_SONGS = 40_000
BUCKET = 12
"""Batches that are drawn together and sorted by length, so that little is padding."""
IGNORED = -100


@dataclass(frozen=True)
class Recipe:
    """`steps` of `batch` songs each. Learning rate: linear over `warm_up` steps to `peak`, then a cosine to nothing."""

    steps: int = 4500
    batch: int = 24
    peak: float = 3e-3
    warm_up: int = 100
    decay: float = 0.05
    seed: int = 20261123


@cache
def _prompt() -> Prompt:
    return load_prompt(PROMPT)


def song_text(seed: int, number: int) -> tuple[str, str]:
    """Prompt and description of a made-up song, as the model sees them."""
    made = made_up_song(seed, number)
    request = _prompt().request(made.song, Write(), STARTER, 0)
    return request.prompt or "", f" {made.description}"


def train_tokeniser(seed: int, songs: int = TOKENISER_SONGS) -> Tokenizer:
    """Byte-level BPE over made-up songs: any text is encoded, and every digit is a token, so that numbers are copied digit by digit."""
    tokeniser = Tokenizer(models.BPE())
    tokeniser.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokeniser.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BEGIN, END, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokeniser.train_from_iterator(("".join(song_text(seed, number)) for number in range(songs)), trainer)
    tokeniser.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, 0)])
    return tokeniser


def batches(tokeniser: Tokenizer, recipe: Recipe) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """(B, L) token ids and (B, L) targets, endlessly; each song is seen once. Only the description is a target, with its end."""
    order = torch.Generator().manual_seed(recipe.seed)
    start = 0
    while True:
        songs = [song_text(recipe.seed, number) for number in range(start, start + BUCKET * recipe.batch)]
        start += len(songs)
        prompts = tokeniser.encode_batch([prompt for prompt, _ in songs])
        descriptions = tokeniser.encode_batch([description for _, description in songs], add_special_tokens=False)
        rows = sorted(((p.ids, [*d.ids, 1]) for p, d in zip(prompts, descriptions, strict=True)), key=lambda row: len(row[0] + row[1]))
        for number in torch.randperm(BUCKET, generator=order).tolist():
            chosen = rows[number * recipe.batch : (number + 1) * recipe.batch]
            width = max(len(prompt) + len(description) for prompt, description in chosen)
            ids = torch.full((len(chosen), width), 2)
            targets = torch.full((len(chosen), width), IGNORED)
            for row, (prompt, description) in enumerate(chosen):
                end = len(prompt) + len(description)
                ids[row, :end] = torch.tensor(prompt + description)
                targets[row, len(prompt) : end] = torch.tensor(description)
            yield ids, targets


def train(recipe: Recipe, tokeniser: Tokenizer, checkpoint: Path | None = None) -> LlamaForCausalLM:
    """The trained model, in single precision. Prints its progress; writes `checkpoint` (a folder) every 500 steps."""
    torch.manual_seed(recipe.seed)
    model = LlamaForCausalLM(starter_config())
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.decay}, {"params": others, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.peak, betas=(0.9, 0.98))
    started, mean = time.perf_counter(), float("nan")
    for step, (ids, targets) in enumerate(batches(tokeniser, recipe)):
        if step == recipe.steps:
            break
        for group in optimiser.param_groups:
            group["lr"] = _rate(recipe, step)
        loss = model(input_ids=ids, labels=targets).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        mean = loss.item() if step == 0 else 0.98 * mean + 0.02 * loss.item()
        if step % 25 == 0:
            seconds = time.perf_counter() - started
            left = seconds / (step + 1) * (recipe.steps - step - 1)
            print(f"step {step:>5}  loss {mean:.4f}  perplexity {math.exp(mean):.2f}  {seconds:.0f} s, {left:.0f} s left", flush=True)
        if checkpoint is not None and step % 500 == 499:
            save(model, tokeniser, checkpoint)
    return model


def _rate(recipe: Recipe, step: int) -> float:
    if step < recipe.warm_up:
        return recipe.peak * (step + 1) / recipe.warm_up
    return recipe.peak * 0.5 * (1 + math.cos(math.pi * (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)))


def save(model: LlamaForCausalLM, tokeniser: Tokenizer, folder: Path) -> None:
    """Write the folder: half precision is enough to say the same, at half the size. Its tokeniser has the name that every release knows."""
    halved = LlamaForCausalLM(starter_config()).half()
    halved.load_state_dict(model.state_dict())
    halved.generation_config = GenerationConfig(bos_token_id=0, eos_token_id=1, pad_token_id=2)
    halved.save_pretrained(folder)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokeniser,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    fast.save_pretrained(folder)
    config = folder / "tokenizer_config.json"
    known = json.loads(config.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    config.write_text(json.dumps(known, indent=2) + "\n")


def main() -> None:
    """Train and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    recipe = replace(Recipe(), steps=arguments.steps)
    tokeniser = train_tokeniser(recipe.seed)
    model = train(recipe, tokeniser, arguments.out)
    save(model, tokeniser, arguments.out)
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters in {arguments.out}")


if __name__ == "__main__":
    main()
