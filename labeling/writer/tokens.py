"""How many tokens a prompt has, by the tokeniser of a model that is served elsewhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labeling.writer.request import Request


def hub_tokens(model: str, revision: str | None, requests: Sequence[Request]) -> list[int] | None:
    """Tokens of each prompt. None when `model` names no folder and no hub id ("organisation/name"), or its tokeniser cannot be had."""
    if "/" not in model and not Path(model).is_dir():
        return None
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(model, revision=revision, trust_remote_code=False)
    except (OSError, ValueError):
        return None
    return [count_tokens(tokenizer, request) for request in requests]


def count_tokens(tokenizer: Any, request: Request) -> int:
    """Tokens of one prompt; a chat is laid out by the tokeniser's template, or turn by turn when it has none."""
    if request.prompt is not None:
        return len(tokenizer(request.prompt).input_ids)
    turns = [{"role": message.role, "content": message.content} for message in request.messages]
    if tokenizer.chat_template:
        return len(
            tokenizer(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True), add_special_tokens=False).input_ids
        )
    return sum(len(tokenizer(turn["content"]).input_ids) for turn in turns)
