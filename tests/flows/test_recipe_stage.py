"""The recipe of docs/architecture.md, followed word for word in a copy: a new stage, and all that speaks of stages knows it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile

from benchmarks.house import ROOMS
from tests.flows.music import RATE, small_settings, tone, write_music, write_toml

PROJECT = Path(__file__).resolve().parents[2]
CHANGED = ("labeling", "pipelines")
LINKED = tuple(room for room in (*ROOMS, "examples") if room not in CHANGED)

COMMANDS = """
import json, sys
from click.testing import CliRunner
from noise2music.flows.cli import n2m

def run(*arguments):
    done = CliRunner().invoke(n2m, arguments)
    return {"exit": done.exit_code, "out": done.stdout, "said": done.output, "error": str(done.exception or "")}

if __name__ == "__main__":
    config, root = sys.argv[1:]
    labeled = run("label", "-c", config)
    asked = {"status": run("status", root, "--json"), "verify": run("verify", root, "--json"), "show": run("show", root, "quiet.wav")}
    print(json.dumps({"label": labeled, **asked, "prune": run("prune", root)}))
"""


def recipe() -> tuple[str, str, str]:
    """The code of the three steps."""
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.split("\n## Adding a stage\n")[1].split("\n## ")[0]
    schema, stage, place = re.findall(r"^```(?:python|text)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return schema, stage, place


def house_with_the_stage(folder: Path) -> Path:
    """A folder to import `noise2music` from, with the new stage in it. Only what changes is copied."""
    house = folder / "house" / "noise2music"
    house.mkdir(parents=True)
    shutil.copy(PROJECT / "src" / "noise2music" / "__init__.py", house)
    for room in CHANGED:
        shutil.copytree(PROJECT / room, house / room, ignore=shutil.ignore_patterns("__pycache__"))
    for room in LINKED:
        (house / room).symlink_to(PROJECT / room)
    schema, stage, place = recipe()
    with (house / "labeling" / "schemas.py").open("a", encoding="utf-8") as schemas:
        schemas.write(f"\n{schema}")
    (house / "pipelines" / "level.py").write_text(stage, encoding="utf-8")
    order = house / "labeling" / "stages" / "order.py"
    before, audio, after = re.split(r'(^    LabelingStage\("audio".*\n)', order.read_text(encoding="utf-8"), flags=re.MULTILINE)
    order.write_text(f"{before}{audio}    {place.rstrip()},\n{after}", encoding="utf-8")
    return house.parent


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each command said, and the root."""
    folder = tmp_path_factory.mktemp("recipe")
    write_music(folder / "music", 2)
    soundfile.write(folder / "music" / "quiet.wav", tone(2, 5) / 1000, RATE, subtype="FLOAT")
    config = write_toml(small_settings(folder, corpus__copies="bytes", max_dead=0.9), folder / "run.toml")
    path = os.pathsep.join([str(house_with_the_stage(folder)), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {name: value for name, value in os.environ.items() if name != "PREFECT_API_URL"} | {"PYTHONPATH": path}
    command = [sys.executable, "-c", COMMANDS, str(config), str(folder / "root")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["label"]["exit"] == 0, found["label"]
    return found | {"root": folder / "root"}


def test_status_shows_it_in_its_place(told: dict[str, Any]) -> None:
    rows = json.loads(told["status"]["out"])
    assert [row["stage"] for row in rows][-4:] == ["audio", "level", "shard", "report"]
    (row,) = [row for row in rows if row["stage"] == "level"]
    assert (row["state"], row["rows"], row["dead"], row["reasons"], row["set"]) == ("finished", 4, 1, "too_quiet 1", "current")


def test_verify_knows_its_schema(told: dict[str, Any]) -> None:
    assert told["verify"]["exit"] == 0, told["verify"]
    (path,) = (told["root"] / "level").iterdir()
    assert json.loads((told["root"] / "_LATEST.json").read_text())["level"] == f"level/{path.name}"


def test_show_says_what_died_in_it(told: dict[str, Any]) -> None:
    said = told["show"]["said"] + told["show"]["error"]
    assert "died in level: too_quiet (its loudest sample has -" in said


def test_the_report_lists_it_with_its_dead_row(told: dict[str, Any]) -> None:
    (page,) = told["root"].glob("report/*/report.html")
    text = page.read_text(encoding="utf-8")
    assert "level: too quiet" in text
    assert re.search(r"<td[^>]*>\s*level\s*</td>", text)


def test_prune_keeps_it(told: dict[str, Any]) -> None:
    assert told["prune"]["exit"] == 0
    assert re.search(r"^keep +level/", told["prune"]["said"], re.MULTILINE)
