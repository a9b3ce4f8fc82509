"""What raters are given (the questionnaire) and what they are not told (the key). Both are files of JSON that name each other."""

import json
from collections.abc import Mapping, Sequence
from typing import Literal, TypeVar

from pydantic import ValidationError, field_validator

from noise2music.core.data_files import read_toml
from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.core.settings import Record
from noise2music.core.storage import read_uri

Kind = Literal["pairs", "labels"]
QuestionName = Literal["text", "quality", "label"]
Role = Literal["judged", "repeated", "absurd", "practice"]

PAGE, QUESTIONNAIRE, AUDIO = "page/index.html", "page/test.json", "page/audio"
"""Below the folder of a test. What lies in `page` goes to raters, and nothing else does."""
KEY, ANSWERS = "key.json", "answers"

Model = TypeVar("Model", bound=Record)


class Question(Record):
    """ask: the question. hint: what to leave aside. choices: the answers, that of key 1 first."""

    name: QuestionName
    ask: str
    hint: str
    choices: tuple[str, ...]


class Item(Record):
    """What is judged at once. id: 16 hexadecimal digits that tell nothing. clips: files below `page`; the first is called A, a second B."""

    id: str
    text: str
    clips: tuple[str, ...]


class Questionnaire(Record):
    """What raters get. sheets: the items of each rater, in their order. must_hear: seconds of each clip before one can answer."""

    id: str
    kind: Kind
    questions: tuple[Question, ...]
    must_hear: float
    practice: tuple[Item, ...]
    sheets: tuple[tuple[Item, ...], ...]


class Pair(Record):
    """Whose clips an item of a listening test holds: `systems` in the order A, B. prompt: its key."""

    systems: tuple[str, str]
    prompt: str


class Label(Record):
    """Of which clip an item of an audit says what. aspect: what the caption speaks of (labels.aspect_of)."""

    clip: str
    track: str
    start_ms: int
    vocabulary: str
    caption: str
    aspect: str


class KeyEntry(Record):
    """What an item is. sheet: whose, None in practice. of: the item that is repeated. right: the better side of an absurd pair, 0 for A;
    for an absurd label the place of the right choice.
    """

    role: Role
    sheet: int | None
    pair: Pair | None = None
    label: Label | None = None
    of: str | None = None
    right: int | None = None


class Key(Record):
    """Kept by who makes the test. id: hash of all else and of the questionnaire. protocol: what was done to the audio, in words and
    figures, for the result.
    """

    id: str
    kind: Kind
    questions: tuple[QuestionName, ...]
    systems: tuple[str, ...]
    protocol: dict[str, str]
    questionnaire: str
    items: dict[str, KeyEntry]

    @field_validator("questions")
    @classmethod
    def _asks_something(cls, names: tuple[QuestionName, ...]) -> tuple[QuestionName, ...]:
        if not names or len(set(names)) < len(names):
            raise ValueError("a test asks at least one question, and each once")
        return names


def questions(names: Sequence[QuestionName]) -> tuple[Question, ...]:
    """The questions of these names, as data/questions.toml words them."""
    texts = read_toml(__package__, "questions.toml", dict[str, dict[str, str | tuple[str, ...]]])
    return tuple(Question.model_validate({"name": name, **texts[name]}) for name in names)


def sealed(
    kind: Kind,
    asked: Sequence[Question],
    must_hear: float,
    practice: Sequence[Item],
    sheets: Sequence[Sequence[Item]],
    systems: Sequence[str],
    protocol: Mapping[str, str],
    items: Mapping[str, KeyEntry],
) -> tuple[Questionnaire, Key]:
    """Questionnaire and key with one id, the hash of both: the same test has the same id, and another test has another."""
    questionnaire = Questionnaire(
        id="", kind=kind, questions=tuple(asked), must_hear=must_hear, practice=tuple(practice), sheets=tuple(map(tuple, sheets))
    )
    key = Key(
        id="",
        kind=kind,
        questions=tuple(question.name for question in asked),
        systems=tuple(systems),
        protocol=dict(protocol),
        questionnaire=stable_id(_canonical(questionnaire)),
        items=dict(items),
    )
    identifier = stable_id(_canonical(key))
    return questionnaire.model_copy(update={"id": identifier}), key.model_copy(update={"id": identifier})


def json_bytes(value: Record) -> bytes:
    """As it lies in a file."""
    return (json.dumps(value.as_json(), ensure_ascii=False, indent=1) + "\n").encode()


def read_key(uri: str) -> Key:
    """The key of a test. Raises UserError when it is none, or says something else than when it was made."""
    key = _read(uri, Key, "the key that `n2m listen make` or `n2m audit` wrote")
    if stable_id(_canonical(key.model_copy(update={"id": ""}))) != key.id:
        raise UserError(f"{uri} was changed after the test was made, so it no longer says what was heard. Take it as it was written.")
    return key


def read_questionnaire(uri: str) -> Questionnaire:
    """The questionnaire of a test. Raises UserError when it is none."""
    return _read(uri, Questionnaire, "the test.json of a test")


def _read(uri: str, model: type[Model], what: str) -> Model:
    try:
        return model.model_validate_json(read_uri(uri))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{uri} is not {what}: {place + ': ' if place else ''}{first['msg']}.") from error


def _canonical(value: Record) -> str:
    return json.dumps(value.as_json(), sort_keys=True, ensure_ascii=False)
