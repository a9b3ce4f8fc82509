"""The figures of the code's layout: a made-up house whose figures are known, and what ours has reached."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.house import PROJECT, ROOMS, TRAINER, closure, import_graph, main, measure, read_modules, sheet
from noise2music.labeling.stages.order import LABELING_STAGES

MADE_UP = {
    "labeling/__init__.py": "",
    "labeling/top.py": "from noise2music.labeling.middle import a, b",
    "labeling/middle/__init__.py": "",
    "labeling/middle/a.py": "import numpy\nimport noise2music.labeling.bottom",
    "labeling/middle/b.py": "def late():\n    from noise2music.labeling.bottom import value\n    from noise2music.core.ground import x",
    "labeling/bottom.py": "value = 1",
    "labeling/apart.py": "",
    "core/__init__.py": "",
    "core/ground.py": "",
}


def house(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def test_a_made_up_house(tmp_path: Path) -> None:
    modules = read_modules(house(tmp_path, MADE_UP))
    graph = import_graph(modules)
    found = sheet(graph, "labeling")
    assert (found.rooms, found.floors, found.arrows, found.upwards, found.circles) == (4, 3, 2, (), ())
    assert closure(graph, "labeling.middle.b") == {"labeling.middle.b", "labeling.bottom", "core.ground"}
    assert len(closure(graph, "labeling.top")) == 6  # Itself, the package that it names, a, b, bottom, ground.


def test_a_circle_is_found_and_the_thinnest_arrow_runs_upwards(tmp_path: Path) -> None:
    modules = read_modules(house(tmp_path, MADE_UP | {"labeling/bottom.py": "import noise2music.labeling.middle.a"}))
    found = sheet(import_graph(modules), "labeling")
    assert (found.circles, found.upwards, found.floors) == ((2,), (("bottom", "middle"),), 3)


def test_a_circle_of_rooms_need_not_be_one_of_files(tmp_path: Path) -> None:
    more = {"labeling/bottom.py": "import noise2music.labeling.middle.c", "labeling/middle/c.py": ""}
    found = sheet(import_graph(read_modules(house(tmp_path, MADE_UP | more))), "labeling")
    assert (found.circles, found.upwards) == ((), (("bottom", "middle"),))


@pytest.mark.parametrize("room", ROOMS)
def test_no_circles_and_no_arrows_upwards(room: str) -> None:
    found = sheet(import_graph(read_modules(PROJECT)), room)
    assert found.circles == ()
    assert found.upwards == ()


def test_the_stages_count_as_what_the_labeling_flow_imports() -> None:
    reached = closure(import_graph(read_modules(PROJECT)), "flows.label")
    assert {f"pipelines.{stage.module or stage.name}" for stage in LABELING_STAGES} <= reached


def test_labeling_needs_no_model_that_makes_music() -> None:
    reached = closure(import_graph(read_modules(PROJECT)), "flows.label")
    assert not [module for module in reached if module.startswith(("models.", "synth."))]


def test_the_trainer_reaches_few_files() -> None:
    assert len(closure(import_graph(read_modules(PROJECT)), TRAINER)) <= 80


def test_what_labeling_has_reached() -> None:
    found = sheet(import_graph(read_modules(PROJECT)), "labeling")
    assert found.rooms <= 12
    assert found.floors <= 6


def test_every_figure_is_printed_with_its_goal() -> None:
    printed = CliRunner().invoke(main, []).output
    for what, figure, goal in measure(PROJECT):
        (line,) = [line for line in printed.splitlines() if line.startswith(f"{what} ")]
        assert line.split() == [*what.split(), *figure.split(), *goal.split()]
