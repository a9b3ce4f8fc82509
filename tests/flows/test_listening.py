"""`n2m listen` and `n2m audit` from end to end, and the pages of what raters said."""

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from noise2music.core.errors import UserError
from noise2music.evaluation.listening.questionnaire import KEY, QUESTIONNAIRE, json_bytes, read_key, read_questionnaire
from noise2music.evaluation.listening.ranking import rank
from noise2music.flows.cli import n2m
from noise2music.flows.pages.intervals import Interval, interval_chart
from noise2music.flows.pages.ranking import render_ranking
from noise2music.labeling.datasets.dataset import LATEST
from tests.evaluation.listening.simulated import answered, listener, made_test
from tests.evaluation.listening.systems_on_disk import write_systems
from tests.evaluation.listening.test_audit import answers_of, truth
from tests.models.data.made_up_shards import write_shards

HOSTILE = "<script>alert(1)</script>"
NO_OUTSIDE = re.compile(r"""(?:src|href)="(?!#|data:)""")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(n2m, arguments, catch_exceptions=True)


def test_from_clips_to_a_ranking(tmp_path: Path) -> None:
    write_systems(tmp_path)
    out = tmp_path / "test"
    names = [f"our music={tmp_path / 'ours'}", str(tmp_path / "theirs"), str(tmp_path / "real")]
    shape = ["--raters", "6", "--pairs", "12", "--repeats", "2", "--seconds", "0.4", "--prompts", str(tmp_path / "prompts.csv")]
    made = run("listen", "make", *names, "-o", str(out), *shape)
    assert made.exit_code == 0, made.output
    assert "72 comparisons on 6 sheets" in made.output
    assert f"Keep {out}/key.json to yourself" in made.output
    key, questionnaire = read_key(str(out / KEY)), read_questionnaire(str(out / QUESTIONNAIRE))
    assert key.protocol["loudness"].startswith("-23.0 LUFS")
    elo = {"our music": 0.0, "theirs": -100.0, "real": 250.0}
    files = []
    for sheet in range(6):
        choose = listener(elo) if sheet else (lambda *_: 1)
        path = tmp_path / f"{sheet}.json"
        path.write_bytes(json_bytes(answered(questionnaire, key, choose, sheet)))
        files.append(str(path))
    told = run("listen", "rank", *files, "--key", str(out / KEY))
    assert told.exit_code == 0, told.output
    assert re.search(r"^text +real +\d+ +\d+ +\d+ ", told.output, re.MULTILINE)
    assert re.search(r"^rater [0-9a-f]{16} failed .*one_side.* counts all the same", told.output, re.MULTILINE)
    figures = json.loads((out / "ranking.json").read_text())
    table = pq.read_table(out / "ranking.parquet").to_pylist()
    assert next(row["system"] for row in table if row["question"] == "text") == "real"
    assert {row["test"] for row in table} == {figures["test"]} == {key.id}
    assert len(figures["raters"]) == 6
    page = (out / "ranking.html").read_text()
    assert "our music" in page
    assert not NO_OUTSIDE.search(page)
    fewer = run("listen", "rank", *files, "--key", str(out / KEY), "--drop-failed", "--json", "-o", str(tmp_path / "fewer"))
    assert {row["system"] for row in json.loads(fewer.stdout)} == set(elo)
    assert json.loads((tmp_path / "fewer" / "ranking.json").read_text())["rankings"][0]["raters"] == 5


def test_from_labels_to_their_precision(tmp_path: Path) -> None:
    dataset = write_shards(tmp_path / "root", seconds=0.3)
    (tmp_path / "root" / LATEST).write_text(json.dumps({"shard": dataset.path}))
    out = tmp_path / "audit"
    made = run("audit", str(tmp_path / "root"), "-o", str(out), "--labels", "30", "--loudness", "keep")
    assert made.exit_code == 0, made.output
    assert "30 of 48 labels" in made.output
    key, questionnaire = read_key(str(out / KEY)), read_questionnaire(str(out / QUESTIONNAIRE))
    assert key.protocol["loudness"] == "levels as they are"
    answers = tmp_path / "answers.json"
    answers.write_bytes(json_bytes(answers_of(questionnaire, key, truth)))
    told = run("audit", str(answers), "--key", str(out / KEY))
    assert told.exit_code == 0, told.output
    assert re.search(r"^llm_long +all +\d+ +0 +0 +1 ", told.output, re.MULTILINE)
    assert pq.read_table(out / "precision.parquet").to_pylist()[0]["vocabulary"] == "all"
    page = (out / "precision.html").read_text()
    assert "Found not true" in page
    assert not NO_OUTSIDE.search(page)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("audit", "root"), "give one ROOT and -o OUT"),
        (("audit", "a", "b", "-o", "out"), "give one ROOT and -o OUT"),
        (("audit", "a.json", "--key", "k.json", "--labels", "3"), "--labels is for making an audit"),
        (("listen", "make", "-o", "out"), "Missing argument 'SYSTEM...'"),
        (("listen", "make", "a", "b", "-o", "out", "--ask", "colour"), "'colour' is not one of"),
    ],
)
def test_what_does_not_go_together(arguments: tuple[str, ...], said: str) -> None:
    told = run(*arguments)
    assert told.exit_code == 2
    assert said in told.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--loudness", "loud"], "loudness"),
        (["--loudness", "3"], "loudness"),
        (["--repeats", "99"], "repeats = 99 is more than pairs = 24"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, options: list[str], said: str) -> None:
    told = run("listen", "make", str(tmp_path), str(tmp_path), "-o", str(tmp_path / "out"), *options)
    assert isinstance(told.exception, UserError)
    assert said in str(told.exception)


def test_names_of_systems_are_text_on_the_page() -> None:
    systems = [HOSTILE, "b"]
    questionnaire, key = made_test(systems, 3, 12)
    answers = [answered(questionnaire, key, listener({HOSTILE: 50.0, "b": 0.0}), sheet) for sheet in range(3)]
    page = render_ranking(*rank(answers, key), key, dropped=False)
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


def test_intervals_are_drawn_where_they_are() -> None:
    rows = [Interval("wide", 10, -50, 90, "a"), Interval("alone", 0, None, None, "b"), Interval("x" * 60, 60, 50, 70, "c")]
    drawn = interval_chart("T", "D", rows, "units", (-100, 100))
    lines = re.findall(r'<line x1="([\d.]+)" x2="([\d.]+)" y1="[\d.]+" y2="[\d.]+" class="interval"', drawn)
    values = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', drawn)]
    assert len(lines) == 2
    scale = (float(lines[0][1]) - float(lines[0][0])) / 140
    assert values[1] - values[0] == pytest.approx(-10 * scale, abs=0.02)
    assert float(lines[1][0]) - values[1] == pytest.approx(50 * scale, abs=0.02)
    assert "x" * 19 + "…" in drawn
    assert interval_chart("T", "D", [], "units")
    assert interval_chart("T", "D", rows[1:2], "units")


def test_what_is_corrected_and_what_chance_is_are_drawn_with_a_legend() -> None:
    row = Interval("a", 8, 3, 7, "f", corrected=5, null=(1, 2))
    drawn = interval_chart("T", "D", [row], "units", (0, 10))
    raw, best = (float(re.search(rf'<circle cx="([\d.]+)" cy="[\d.]+" r="[\d.]+" class="{kind}"', drawn)[1]) for kind in ("raw", "value"))
    left, width = map(float, re.search(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)" height="18"', drawn).groups())
    unit = (raw - best) / 3
    assert best - left == pytest.approx(4 * unit, abs=0.05)
    assert width == pytest.approx(unit, abs=0.05)
    assert all(said in drawn for said in ("as measured", "no difference", "corrected, 95 % interval"))
    assert "legend" not in interval_chart("T", "D", [Interval("a", 8, 3, 7, "f")], "units")
    near = interval_chart("T", "D", [Interval("a", 8, 3, 7, "f")], "units", zero=True)
    assert ">0</text>" in near
