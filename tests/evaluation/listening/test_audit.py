"""An audit of labels: drawn without a look at scores, and what its answers give."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.evaluation.listening.answers import Answer, Answers
from noise2music.evaluation.listening.audit import aspect_of, make_audit
from noise2music.evaluation.listening.precision import audit_precision, wilson
from noise2music.evaluation.listening.questionnaire import QUESTIONNAIRE, Key, KeyEntry, Questionnaire, read_questionnaire
from noise2music.evaluation.listening.ranking import rank
from noise2music.evaluation.listening.settings import AuditSettings
from noise2music.labeling.datasets.dataset import LATEST
from tests.evaluation.listening.simulated import made_test, signed
from tests.models.data.made_up_shards import write_shards


def audited(folder: Path, inline: bool = False, **settings: int) -> tuple[Questionnaire, Key]:
    dataset = write_shards(folder / "root", seconds=0.4, inline=inline)
    (folder / "root" / LATEST).write_text(json.dumps({"shard": dataset.path}))
    made = make_audit(AuditSettings(root=str(folder / "root"), out=str(folder / "audit"), **settings))
    assert made.of == 48
    return read_questionnaire(str(folder / "audit" / QUESTIONNAIRE)), made.key


def answers_of(questionnaire: Questionnaire, key: Key, choose: Callable[[KeyEntry], int], rater: int = 0) -> Answers:
    given = tuple(
        Answer(item=item.id, choices={"label": choose(key.items[item.id])}, heard=(400,), ms=9000, skipped=False)
        for item in questionnaire.sheets[0]
    )
    return signed(Answers(test=key.id, sheet=0, rater=stable_id("rater", rater), revision=1, answers=given, checksum=""))


def truth(entry: KeyEntry) -> int:
    """Long captions are true, short ones are not, except those of a flute, which none can tell."""
    if entry.label is None:
        return 2
    if entry.label.vocabulary == "llm_long":
        return 1
    return 3 if "flute" in entry.label.caption else 2


@pytest.mark.parametrize("inline", [False, True])
def test_raters_see_a_clip_and_a_label_and_no_score(tmp_path: Path, inline: bool) -> None:
    questionnaire, key = audited(tmp_path, inline, labels=30, repeats=4)
    (sheet,) = questionnaire.sheets
    assert len(sheet) == 30 + 4 + 1
    judged = [key.items[item.id] for item in sheet if key.items[item.id].role == "judged"]
    assert len({(entry.label.clip, entry.label.caption) for entry in judged if entry.label}) == 30
    for item in sheet:
        entry = key.items[item.id]
        assert entry.label is None or item.text == entry.label.caption
        assert (tmp_path / "audit/page" / item.clips[0]).is_file()
    told = (tmp_path / "audit" / QUESTIONNAIRE).read_text()
    assert not any(word in told for word in ("score", "rank", "vocabulary", "llm_long", "track"))


def test_the_seed_decides_and_all_labels_can_be_drawn(tmp_path: Path) -> None:
    _, first = audited(tmp_path / "a", labels=20)
    _, again = audited(tmp_path / "b", labels=20)
    _, other = audited(tmp_path / "c", labels=20, seed=1)
    _, every = audited(tmp_path / "d", labels=500)
    assert first == again
    assert first.id != other.id
    assert len([entry for entry in every.items.values() if entry.role == "judged"]) == 48


def test_precision_by_vocabulary_and_by_what_is_said(tmp_path: Path) -> None:
    questionnaire, key = audited(tmp_path, labels=100)
    audit = audit_precision([answers_of(questionnaire, key, truth, rater) for rater in range(2)], key)
    by = {(row.vocabulary, row.aspect): row for row in audit.rows}
    assert (by["all", "all"].true, by["all", "all"].false, by["all", "all"].unsure) == (24, 18, 6)
    assert by["llm_long", "all"].share == 1.0
    assert by["rater_short", "all"].share == 0.0
    assert by["all", "sentence"].true == 24
    assert by["all", "instrument"].false == 18
    assert audit.alpha == pytest.approx(1.0)
    assert len(audit.wrong) == 18
    assert all(not rater.failed and rater.same == rater.repeats == 5 for rater in audit.raters)


def test_raters_who_differ_leave_a_label_undecided(tmp_path: Path) -> None:
    questionnaire, key = audited(tmp_path, labels=40)
    yes, no = (answers_of(questionnaire, key, lambda _, value=value: value, value) for value in (1, 2))  # type: ignore[misc]
    both = audit_precision([yes, no], key)
    assert (both.rows[0].true, both.rows[0].false, both.rows[0].unsure, both.rows[0].share) == (0, 0, 40, None)
    assert {rater.failed for rater in both.raters} == {("absurd_pair",), ("same_answer",)}
    with pytest.raises(UserError, match="no rater is left"):
        audit_precision([yes, no], key, drop_failed=True)


def test_wilsons_interval() -> None:
    """8 of 10: (0.8 + z^2/20 -+ z sqrt(0.016 + z^2/400)) / (1 + z^2/10), z = 1.96."""
    assert wilson(8, 10) == pytest.approx((0.8, 0.4902, 0.9433), abs=1e-4)
    assert wilson(0, 0) == (None, None, None)


@pytest.mark.parametrize(
    ("caption", "aspect"),
    [
        ("Acoustic Guitar", "instrument"),
        ("vivacious cello", "instrument"),
        ("techno", "genre"),
        ("a female vocal", "voice"),
        ("happy", "mood"),
        ("qwertz", "other"),
        ("A slow piano plays while a choir sings in the distance.", "sentence"),
        ("", "other"),
    ],
)
def test_what_a_caption_speaks_of(caption: str, aspect: str) -> None:
    assert aspect_of(caption) == aspect


def test_keys_of_the_other_kind(tmp_path: Path) -> None:
    questionnaire, key = audited(tmp_path, labels=10)
    with pytest.raises(UserError, match="n2m audit ANSWERS"):
        rank([answers_of(questionnaire, key, truth)], key)
    with pytest.raises(UserError, match="n2m listen rank ANSWERS"):
        audit_precision([], made_test(["a", "b"], 1, 4)[1])


def test_a_root_without_labels(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with pytest.raises(UserError, match="holds no finished run"):
        make_audit(AuditSettings(root=str(tmp_path / "root"), out=str(tmp_path / "audit")))
