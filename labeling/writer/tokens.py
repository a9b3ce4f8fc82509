"""Counts the tokens of a prompt with the tokeniser of a model that is served elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from noise2music.labeling.writer.base import Request


def hub_tokens(model: str, revision: str | None, requests: Sequence[Request]) -> list[int] | None:
    """Tokens of each prompt. None when `model` is no folder and no hub id ("organisation/name"), or its tokeniser cannot be loaded."""
    if "/" not in model and not Path(model).is_dir():
        return None
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model, revision=revision, trust_remote_code=False)
    except (OSError, ValueError):
        return None
    return [len(prompt_tokens(tokenizer, request)) for request in requests]


def prompt_tokens(tokenizer: Any, request: Request) -> list[int]:
    """Token ids of one prompt; a chat is laid out by the tokeniser's template, or turn by turn when it has none."""
    if request.prompt is not None:
        return list(tokenizer(request.prompt).input_ids)
    turns = [{"role": message.role, "content": message.content} for message in request.messages]
    if tokenizer.chat_template:
        laid_out = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return list(tokenizer(laid_out, add_special_tokens=False).input_ids)
    return [token for turn in turns for token in tokenizer(turn["content"]).input_ids]
