"""Rules of the whole: which way imports run, no rooms import each other, what is installed, and a command line that answers at once."""

import re
import subprocess
import sys
import time
import tomllib
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import noise2music
from benchmarks.house import Graph, import_graph, imports, read_modules

PROJECT = Path(__file__).resolve().parents[1]
BELOW = {
    "core": set[str](),
    "labeling": {"core"},
    "synth": {"core"},
    "models": {"core", "labeling"},
    "evaluation": {"core", "labeling", "models"},
    "pipelines": {"core", "labeling", "models", "evaluation"},
    "flows": {"core", "labeling", "synth", "models", "evaluation", "pipelines"},
    "examples": set[str](),
}
"""Rooms at the top, and what each may import."""
NAME = "noise2music"


def packages(path: Path) -> set[str]:
    """Top-level packages that a file imports."""
    return {name.split(".")[0] for name in imports(path)}


FILES = [path for room in BELOW for path in sorted((PROJECT / room).rglob("*.py"))]
ALL = [*FILES, *(path for folder in ("benchmarks", "scripts", "src", "tests") for path in sorted((PROJECT / folder).rglob("*.py")))]


@cache
def graph() -> Graph:
    """Module -> the project's modules that it imports, without the first name."""
    return import_graph(read_modules(PROJECT, tuple(BELOW)))


@pytest.mark.parametrize("room", BELOW)
def test_imports_run_one_way(room: str) -> None:
    for module, imported in graph().items():
        if module.split(".")[0] == room:
            above = {name for name in imported if name.split(".")[0] not in BELOW[room] | {room}}
            assert not above, f"{module} imports {above}"


def test_no_rooms_import_each_other() -> None:
    """In each package, what lies beside each other (files and packages with all that is in them) can be put into an order."""
    rooms = {"", *(".".join(path.parent.relative_to(PROJECT).parts) for path in FILES if path.name == "__init__.py")}
    for room in sorted(rooms):
        arrows: dict[str, set[str]] = {}
        for module, imported in graph().items():
            for name in imported:
                ours, theirs = _beside(module, room), _beside(name, room)
                if ours and theirs and ours != theirs:
                    arrows.setdefault(ours, set()).add(theirs)
        try:
            TopologicalSorter(arrows).prepare()
        except CycleError as error:
            pytest.fail(f"a circle in {room or 'the whole'}: {' -> '.join(error.args[1])}")


def _beside(module: str, room: str) -> str:
    """Which of the things in `room` a module is, or is in; "" where it is outside."""
    if not room:
        return module.split(".")[0]
    return module.removeprefix(f"{room}.").split(".")[0] if module.startswith(f"{room}.") else ""


def test_nothing_is_imported_by_another_name() -> None:
    """A checkout on the path would let `import labeling` succeed, as a second copy of the module."""
    inside_a_string = re.compile(rf"^\s*(from|import) ({'|'.join(BELOW)})\b", re.MULTILINE)
    for path in ALL:
        assert not packages(path) & set(BELOW), path
        assert not inside_a_string.search(path.read_text(encoding="utf-8")), f"{path}: a script in a string imports by another name"


def test_every_package_is_installed() -> None:
    table = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    inits = [path.parent.relative_to(PROJECT) for path in FILES if path.name == "__init__.py"]
    assert sorted(table["tool"]["setuptools"]["packages"]) == sorted([NAME, *(".".join((NAME, *folder.parts)) for folder in inits)])
    folders = {path.parent.relative_to(PROJECT) for path in FILES}
    assert folders == set(inits), "a folder of modules without __init__.py is not installed"
    assert table["tool"]["setuptools"]["package-dir"] == {NAME: f"src/{NAME}"} | {f"{NAME}.{room}": room for room in BELOW}
    assert table["project"]["version"] == noise2music.__version__


def test_every_file_that_is_no_code_is_installed() -> None:
    data = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    folders = {**{f"{NAME}.{room}": PROJECT / room for room in BELOW}, NAME: PROJECT / "src" / NAME}
    found = set[Path]()
    for package, patterns in data.items():
        top = max((known for known in folders if f"{package}.".startswith(f"{known}.")), key=len)
        folder = folders[top].joinpath(*package.removeprefix(top).strip(".").split("."))
        for pattern in patterns:
            matched = set(folder.glob(pattern))
            assert matched, f"{package}: nothing is called {pattern}"
            found |= matched
    for room in BELOW.keys() - {"examples"}:
        lying = {path for path in (PROJECT / room).rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
        assert lying <= found


def test_the_core_does_without_beam_prefect_laion_vllm_and_tensorflow() -> None:
    for path in FILES:
        names = packages(path)
        assert not names & {"laion_clap", "vllm", "musicnn"}, path
        if path != PROJECT / "evaluation/embedders/saved_model_process.py":
            assert not names & {"tensorflow", "tensorflow_hub"}, path
        if path.relative_to(PROJECT).parts[0] in ("core", "labeling", "synth"):
            assert not names & {"apache_beam", "prefect", "click"}, path
        if path.is_relative_to(PROJECT / "pipelines"):
            assert "prefect" not in names, path
    assert not any("evaluation.embedders.saved_model_process" in imported for imported in graph().values()), "it has a process of its own"


def test_nothing_is_unpickled() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert not packages(path) & {"cloudpickle", "dill", "joblib", "shelve", "marshal"}, path
        for call in ("pickle.load", "Unpickler(", "allow_pickle=True", "weights_only=False"):
            assert call not in text, f"{path}: {call}"


def test_no_file_outgrows_one_idea() -> None:
    long = {str(path.relative_to(PROJECT)): lines for path in FILES if (lines := path.read_text(encoding="utf-8").count("\n")) > 300}
    assert not long


def test_help_answers_at_once_and_loads_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['n2m', '--help']\n"
        "from noise2music.flows.cli import main\ntry:\n    main()\nfinally:\n    print(sorted(sys.modules))"
    )
    started = time.monotonic()
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT, check=True).stdout
    assert time.monotonic() - started < 5
    assert "label" in found
    for heavy in ("torch", "apache_beam", "prefect", "numpy", "pyarrow", "faiss"):
        assert f"'{heavy}'" not in found
