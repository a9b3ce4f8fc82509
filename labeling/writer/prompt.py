"""Prompts: files with named slots that a song fills. A slot's value is text from outside, so it is cleaned: bounded, one line, no control
tokens.
"""

import difflib
import hashlib
import json
import math
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Literal

from pydantic import Field, ValidationError

from noise2music.core.errors import UserError
from noise2music.core.settings import Record
from noise2music.core.storage import read_uri
from noise2music.core.tables.cell_items import MISSING
from noise2music.core.tables.fields import clean_field
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.writer.base import Message, Request
from noise2music.labeling.writer_settings import Write

SLOTS = ("title", "artist", "facts")
MAX_NAME_CHARACTERS = 200
MAX_FACTS_CHARACTERS = 1000
UNKNOWN_TITLE = "untitled"
UNKNOWN_ARTIST = "unknown artist"
UNKNOWN_FACTS = "unknown"

_BRACE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_MAX_LISTED, _MAX_FACT = 400, 100
"""Characters of all tags, of all instruments, and of one of them: with tempo and key they stay below MAX_FACTS_CHARACTERS."""

_PLAIN = str.maketrans(dict.fromkeys('"“”„‟«»‘’‚‛`´', "'") | {"<": "‹", ">": "›", "[": "(", "]": ")"})
"""No quotation is left in double quotes, and no token in angle or square brackets: <s>, <|im_start|>, <<SYS>>, [INST], [SEP]."""
_RUNS = re.compile(r"([#|]){2,}")
_ROLE = re.compile(r"\b(user|assistant|system|human|developer|tool)\s*:", re.IGNORECASE)
_SEPARATORS = re.compile(r"[,;:]+")
MISSING_NAMES = MISSING | {"none", "nil", "<na>"}
"""What programs write for a value that is not there."""
_JOINERS = "\u200c\u200d"


class PromptFile(Record):
    """What a prompt file holds. `description` is for people.

    A completion has `text`; a chat has `user`, and may have `system` and `schema`, the JSON schema that a reply must follow, as JSON
    text with a property "sentences". {title}, {artist} and {facts} are slots; a brace outside `schema` is written twice. Slots stand in
    `text` or `user`: what others wrote never comes among the instructions of `system`.
    """

    form: Literal["completion", "chat"]
    description: str = ""
    stop: tuple[str, ...] = ()
    text: str | None = None
    system: str | None = None
    user: str | None = None
    json_schema: str | None = Field(None, alias="schema")


@dataclass(frozen=True)
class Prompt:
    """A prompt file, read and checked. identity: SHA-256 of the file's bytes. template: `text`, or what the user says in a chat."""

    name: str
    identity: str
    description: str
    form: Literal["completion", "chat"]
    system: str | None
    template: str
    schema: str | None
    stop: tuple[str, ...]

    @property
    def uses_facts(self) -> bool:
        """Whether {facts} is among the slots."""
        return "facts" in _slots(self.template)

    def request(self, song: Song, write: Write, model: str, seed: int) -> Request:
        """The request for one reply. In a chat every slot becomes a JSON string with its quotes."""
        prompt: str | None = None
        messages: tuple[Message, ...] = ()
        values = slot_values(song)
        if self.form == "completion":
            prompt = _fill(self.template, values)
        else:
            quoted = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
            system = (Message("system", _fill(self.system, {})),) if self.system else ()
            messages = (*system, Message("user", _fill(self.template, quoted)))
        sampling = (write.temperature, write.top_p, write.max_tokens, seed)
        return Request(model, prompt, messages, self.schema, self.stop, *sampling)


def shipped_prompts() -> tuple[str, ...]:
    """The names of the prompts that ship, sorted."""
    files = (resources.files(__package__) / "prompts").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def load_prompt(name_or_path: str) -> Prompt:
    """A shipped prompt by its name, or a prompt file, local or remote, whose path ends in .toml.

    Raises UserError that names the file when there is none, or when it is not what PromptFile says.
    """
    if name_or_path.endswith(".toml"):
        return read_prompt(name_or_path, read_uri(name_or_path))
    shipped = shipped_prompts()
    if name_or_path not in shipped:
        near = difflib.get_close_matches(name_or_path, shipped, 1, 0.5)
        hint = f"Did you mean {near[0]}?" if near else f"These ship: {', '.join(shipped)}."
        raise UserError(f"there is no prompt {name_or_path!r}. {hint} A prompt of your own is the path of a file that ends in .toml.")
    return read_prompt(name_or_path, (resources.files(__package__) / "prompts" / f"{name_or_path}.toml").read_bytes())


def read_prompt(name: str, content: bytes) -> Prompt:
    """The bytes of a prompt file -> Prompt. `name` is its shipped name or its path. Raises UserError."""
    try:
        read = PromptFile.model_validate(tomllib.loads(content.decode()))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise UserError(f"prompt {name}: {wrong}. The keys are form, description, stop, text, system, user and schema.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"prompt {name} is not valid TOML: {error}.") from error
    template = _check(name, read)
    identity = hashlib.sha256(content).hexdigest()
    return Prompt(name, identity, read.description, read.form, read.system, template, read.json_schema, read.stop)


def _check(name: str, read: PromptFile) -> str:
    """The template of a prompt file. Raises UserError."""
    template, key = (read.text, "text") if read.form == "completion" else (read.user, "user")
    foreign = [("system", read.system), ("user", read.user), ("schema", read.json_schema)]
    strangers = [other for other, value in (foreign if key == "text" else [("text", read.text)]) if value is not None]
    if template is None or strangers:
        what = f"needs {key}" if template is None else f"has no {' and no '.join(strangers)}"
        raise UserError(f"prompt {name}: a {read.form} prompt {what}.")
    if "" in read.stop:
        raise UserError(f"prompt {name}: a text in stop is empty, and would end every reply before it begins.")
    for part, text in ((key, template), ("system", read.system or "")):
        for brace in _BRACE.finditer(text):
            if brace[0] in ("{{", "}}") or (part == key and brace[1] in SLOTS):
                continue
            slots = " and ".join(f"{{{slot}}}" for slot in SLOTS) if part == key else "none"
            raise UserError(f"prompt {name}: {brace[0]} in {part} is no slot. Its slots: {slots}; a brace is written twice.")
    if "title" not in _slots(template):
        raise UserError(f"prompt {name}: {key} has no slot {{title}}, so every song would be asked the same.")
    if read.json_schema is not None:
        try:
            is_read = "sentences" in {**json.loads(read.json_schema)["properties"]}
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise UserError(f"prompt {name}: schema is not a JSON schema of an object: {error!r}.") from error
        if not is_read:
            raise UserError(f'prompt {name}: schema has no property "sentences", which is what is read of a reply.')
    return template


def slot_values(song: Song) -> dict[str, str]:
    """What fills the slots: bounded, of one line."""
    return {
        "title": slot_value(song.title, MAX_NAME_CHARACTERS) or UNKNOWN_TITLE,
        "artist": slot_value(_present(song.artist), MAX_NAME_CHARACTERS) or UNKNOWN_ARTIST,
        "facts": facts_text(song),
    }


def slot_value(text: str, limit: int) -> str:
    """Other people's text, fit for a prompt: NFKC, one line, at most `limit` characters; no double quotes, no invisible marks, and
    nothing that a chat template or a tokeniser reads as a control token or a turn. "" when nothing is left.
    """
    value = unicodedata.normalize("NFKC", text[: 4 * limit + 1])
    value = "".join(mark for mark in value if mark in _JOINERS or unicodedata.category(mark) not in ("Cf", "Co"))
    value = (clean_field(value, limit) or "").translate(_PLAIN)
    value = _ROLE.sub(r"\1 -", _RUNS.sub(r"\1", value))
    return (clean_field(value, limit) or "") if value.strip(_JOINERS + " ") else ""


def facts_text(song: Song) -> str:
    """What is known of a song's music, for example "tags: latin, uplifting; instruments: piano; tempo: 113 bpm; key: F# major".

    At most MAX_FACTS_CHARACTERS; tags and instruments beyond that are left out whole. "unknown" when nothing is known.
    """
    facts = {
        "tags": _listed(song.tags),
        "instruments": _listed(song.instruments),
        "tempo": f"{round(song.tempo, 1):g} bpm" if song.tempo is not None and math.isfinite(song.tempo) else "",
        "key": _fact(" ".join(word for word in (song.musical_key or "").split() if _present(word))),
    }
    return "; ".join(f"{name}: {fact}" for name, fact in facts.items() if fact) or UNKNOWN_FACTS


def _listed(values: Iterable[str]) -> str:
    text = ""
    for fact in dict.fromkeys(_fact(value) for value in values if _present(value)):
        longer = f"{text}, {fact}" if text and fact else text or fact
        if len(longer) > _MAX_LISTED:
            break
        text = longer
    return text


def _present(value: str | None) -> str:
    """A value, "" for one that is not there."""
    return "" if value is None or value.strip() in MISSING_NAMES else value


def _fact(value: str) -> str:
    return " ".join(_SEPARATORS.sub(" ", slot_value(value, _MAX_FACT)).split())


def _slots(template: str) -> set[str]:
    return {brace[1] for brace in _BRACE.finditer(template) if brace[1] is not None}


def _fill(template: str, values: Mapping[str, str]) -> str:
    """One pass: what a value holds is never filled again."""
    return _BRACE.sub(lambda brace: values[brace[1]] if brace[1] is not None else brace[0][0], template)
