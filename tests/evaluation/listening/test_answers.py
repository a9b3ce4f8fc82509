"""Files of answers: what was changed, of another test or of a rater twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from noise2music.core.errors import UserError
from noise2music.evaluation.listening.answers import LARGEST, Answers, read_answers
from noise2music.evaluation.listening.questionnaire import json_bytes, read_key
from tests.evaluation.listening.simulated import answered, listener, made_test, signed

QUESTIONNAIRE, KEY = made_test(["a", "b"], 2, 8)
GIVEN = answered(QUESTIONNAIRE, KEY, listener({"a": 50.0, "b": 0.0}), 0)


def written(folder: Path, answers: Answers, name: str = "answers.json") -> str:
    (folder / name).write_bytes(json_bytes(answers))
    return str(folder / name)


def changed(**changes: Any) -> Answers:
    return GIVEN.model_copy(update=changes)


def test_as_they_came(tmp_path: Path) -> None:
    assert read_answers([written(tmp_path, GIVEN)], KEY) == [GIVEN]


def test_edited_by_hand(tmp_path: Path) -> None:
    path = Path(written(tmp_path, GIVEN))
    edited = json.loads(path.read_text())
    edited["answers"][3]["choices"]["text"] = 6 - edited["answers"][3]["choices"]["text"] or 1
    edited["answers"][3]["ms"] += 1
    path.write_text(json.dumps(edited))
    with pytest.raises(UserError, match=r"answers.json was changed after the page wrote it"):
        read_answers([str(path)], KEY)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (changed(test="0" * 16), f"answers the test 0000000000000000, and the key is of {KEY.id}"),
        (changed(sheet=1), "none of sheet 2 or comes twice"),
        (changed(answers=GIVEN.answers + GIVEN.answers[:1]), "comes twice"),
        (
            changed(answers=(GIVEN.answers[0].model_copy(update={"choices": {"text": 6, "quality": 1}}),)),
            "has a choice that the test lacks",
        ),
        (changed(answers=(GIVEN.answers[0].model_copy(update={"choices": {"text": 1}}),)), "has a choice that the test lacks"),
        (changed(answers=(GIVEN.answers[0].model_copy(update={"choices": {"label": 1}}),)), "has a choice that the test lacks"),
    ],
    ids=["another test", "another sheet", "twice", "no such choice", "a question is missing", "another question"],
)
def test_answers_that_do_not_fit(tmp_path: Path, answers: Answers, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_answers([written(tmp_path, signed(answers))], KEY)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"test": 1}', b"\xff\xfe", b'{"a":' * 2000], ids=str)
def test_no_answers_at_all(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "no.json").write_bytes(data)
    with pytest.raises(UserError, match="is no file of answers"):
        read_answers([str(tmp_path / "no.json")], KEY)


def test_too_large_or_none(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_bytes(b" " * (LARGEST + 1))
    with pytest.raises(UserError, match="more than answers ever have"):
        read_answers([str(tmp_path / "large.json")], KEY)
    with pytest.raises(UserError, match="there are no answers"):
        read_answers([], KEY)
    with pytest.raises(UserError, match="cannot read"):
        read_answers([str(tmp_path / "missing.json")], KEY)


def test_of_one_rater_the_later_file_counts(tmp_path: Path) -> None:
    later = signed(changed(revision=2, answers=GIVEN.answers[:5]))
    files = [written(tmp_path, GIVEN, "a.json"), written(tmp_path, later, "b.json"), written(tmp_path, GIVEN, "c.json")]
    assert read_answers(files, KEY) == [later]
    assert read_answers(files[::-1], KEY) == [later]
    other = signed(changed(answers=GIVEN.answers[:5]))
    with pytest.raises(UserError, match=r"a.json and .*d.json are of one rater and say different things"):
        read_answers([files[0], written(tmp_path, other, "d.json")], KEY)


def test_a_key_that_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(json_bytes(KEY))
    assert read_key(str(path)) == KEY
    path.write_text(path.read_text().replace('"a"', '"c"'))
    with pytest.raises(UserError, match="was changed after the test was made"):
        read_key(str(path))
    path.write_text("{}")
    with pytest.raises(UserError, match=r"is not the key .*: id: Field required"):
        read_key(str(path))
