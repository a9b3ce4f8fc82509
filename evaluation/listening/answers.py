"""What raters send back, checked against the key: each file by itself, and all of one rater together."""

from collections.abc import Iterable, Sequence

from pydantic import Field, ValidationError

from noise2music.core.errors import UserError
from noise2music.core.settings import Record
from noise2music.core.storage import read_uri
from noise2music.evaluation.listening.questionnaire import Key, QuestionName, questions

LARGEST = 4 << 20
"""Bytes; ten thousand answers are less."""
_FNV_START, _FNV_PRIME, _64_BITS = 0xCBF29CE484222325, 0x100000001B3, 2**64 - 1


class Answer(Record):
    """choices: question -> which choice, from 1. heard: milliseconds of each clip. ms: spent on it. skipped: a clip could not be played."""

    item: str = Field(pattern=r"^[0-9a-f]{16}$")
    choices: dict[QuestionName, int]
    heard: tuple[int, ...]
    ms: int
    skipped: bool


class Answers(Record):
    """One rater's answers, in the order of the sheet. rater: a random number that the page drew. revision: grows with every change."""

    test: str
    sheet: int = Field(ge=0)
    rater: str = Field(pattern=r"^[0-9a-f]{16}$")
    revision: int = Field(ge=0)
    answers: tuple[Answer, ...]
    checksum: str


def checksum(answers: Answers) -> str:
    """FNV-1a (64 bits) of all that the file says, as the page counts it. It shows what was changed by hand or on the way, no forger."""
    lines = [answers.test, str(answers.sheet), answers.rater, str(answers.revision)]
    for answer in answers.answers:
        choices = [f"{name}={value}" for name, value in answer.choices.items()]
        heard = ",".join(map(str, answer.heard))
        lines.append("|".join([answer.item, *choices, f"heard={heard}", f"ms={answer.ms}", f"skipped={int(answer.skipped)}"]))
    value = _FNV_START
    for byte in "\n".join(lines).encode():
        value = (value ^ byte) * _FNV_PRIME & _64_BITS
    return f"{value:016x}"


def parse_answers(data: bytes, name: str) -> Answers:
    """The answers in a file. Raises UserError when it is none or says something else than the page wrote."""
    if len(data) > LARGEST:
        raise UserError(f"{name} has {len(data):,} bytes, more than answers ever have.")
    try:
        answers = Answers.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UserError(f"{name} is no file of answers: {place + ': ' if place else ''}{first['msg']}.") from error
    if checksum(answers) != answers.checksum:
        raise UserError(f"{name} was changed after the page wrote it: its checksum does not fit. Take it as it came, or leave it out.")
    return answers


def check_answers(answers: Answers, key: Key, name: str) -> None:
    """Raise UserError unless these are answers to the test of the key."""
    if answers.test != key.id:
        raise UserError(f"{name} answers the test {answers.test}, and the key is of {key.id}. Give the answers and the key of one test.")
    choices = {question.name: len(question.choices) for question in questions(key.questions)}
    seen = set[str]()
    for answer in answers.answers:
        entry = key.items.get(answer.item)
        if entry is None or entry.sheet != answers.sheet or answer.item in seen:
            raise UserError(f"{name} holds the answer {answer.item}, which is none of sheet {answers.sheet + 1} or comes twice.")
        seen.add(answer.item)
        wrong = [question for question, value in answer.choices.items() if not 1 <= value <= choices.get(question, 0)]
        missing = not answer.skipped and set(answer.choices) != set(choices)
        if wrong or missing:
            raise UserError(f"{name}: the answer {answer.item} has a choice that the test lacks ({', '.join(wrong) or 'none'}).")


def read_answers(uris: Sequence[str], key: Key) -> list[Answers]:
    """All answers, one a rater, sorted by rater. Of two files of one rater the later one counts.

    Raises UserError: a file is none of this test's, was changed, or two of one rater's differ though they are of one age.
    """
    read = []
    for uri in uris:
        answers = parse_answers(read_uri(uri), uri)
        check_answers(answers, key, uri)
        read.append((uri, answers))
    if not read:
        raise UserError("there are no answers. Give the JSON files that raters sent back.")
    return _latest(read)


def _latest(read: Iterable[tuple[str, Answers]]) -> list[Answers]:
    latest: dict[str, tuple[str, Answers]] = {}
    for uri, answers in read:
        there = latest.get(answers.rater)
        if there is not None and there[1].revision == answers.revision and there[1].answers != answers.answers:
            if {a.item: a.choices for a in there[1].answers} != {a.item: a.choices for a in answers.answers}:
                raise UserError(f"{there[0]} and {uri} are of one rater and say different things. Leave one of them out.")
            continue
        if there is None or there[1].revision < answers.revision:
            latest[answers.rater] = uri, answers
    return [latest[rater][1] for rater in sorted(latest)]
