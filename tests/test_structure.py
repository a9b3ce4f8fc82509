"""Rules of the whole: which way imports run, what the core never imports, and that the command line answers at once."""

import ast
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
LEVELS = {"labeling": 0, "models": 1, "pipelines": 2, "flows": 3}


def imports(path: Path) -> Iterator[str]:
    """Top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


FILES = [path for package in LEVELS for path in sorted((PROJECT / package).rglob("*.py"))]


@pytest.mark.parametrize("package", LEVELS)
def test_imports_run_one_way(package: str) -> None:
    for path in (PROJECT / package).rglob("*.py"):
        above = {name for name in imports(path) if LEVELS.get(name, -1) > LEVELS[package]}
        assert not above, f"{path.relative_to(PROJECT)} imports {above}"


def test_the_core_does_without_beam_prefect_laion_vllm_and_tensorflow() -> None:
    for path in FILES:
        names = set(imports(path))
        assert not names & {"laion_clap", "vllm", "musicnn", "tensorflow", "tensorflow_hub"}, path
        if path.is_relative_to(PROJECT / "labeling"):
            assert not names & {"apache_beam", "prefect", "click"}, path
        if path.is_relative_to(PROJECT / "pipelines"):
            assert "prefect" not in names, path


def test_nothing_is_unpickled() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert not set(imports(path)) & {"cloudpickle", "dill", "joblib", "shelve", "marshal"}, path
        for call in ("pickle.load", "Unpickler(", "allow_pickle=True", "weights_only=False"):
            assert call not in text, f"{path}: {call}"


def test_no_file_outgrows_one_idea() -> None:
    long = {str(path.relative_to(PROJECT)): lines for path in FILES if (lines := path.read_text(encoding="utf-8").count("\n")) > 350}
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
