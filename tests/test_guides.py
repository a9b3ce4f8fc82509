"""The guides as their readers use them: files and commands in the order of the page, in an empty folder.

All commands are parsed in every run; that they do what the page says takes minutes and is slow.
"""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from noise2music.flows.cli import n2m
from noise2music.flows.config import validate_settings
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.training.settings import TrainSettings
from noise2music.pipelines.settings import LabelSettings

GUIDES = Path(__file__).resolve().parents[1] / "docs" / "guides"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
SETTINGS = {"music.toml": LabelSettings, "train.toml": TrainSettings, "generate.toml": GenerateSettings}


def blocks(guide: str) -> list[tuple[str, str, str]]:
    """Language, title and text of each block of a guide."""
    found = BLOCK.findall((GUIDES / f"{guide}.md").read_text(encoding="utf-8"))
    assert found
    return found


def commands(guide: str) -> Iterator[str]:
    """The lines of a guide's bash blocks."""
    for language, _, text in blocks(guide):
        if language == "bash":
            yield from text.splitlines()


@pytest.mark.parametrize("guide", ["data", "training", "generation"])
def test_commands_and_files_are_understood(guide: str) -> None:
    for line in commands(guide):
        words = shlex.split(line, comments=True)
        if words[0] != "n2m":
            assert words[0] == "echo", line
            continue
        command: click.Command = n2m
        arguments = words[1:]
        while isinstance(command, click.Group) and (arguments and arguments[0] in command.commands):
            command = command.commands[arguments.pop(0)]
        command.make_context("n2m", arguments)
    for language, title, text in blocks(guide):
        if language == "toml":
            validate_settings(SETTINGS[title], tomllib.loads(text), (), title)


def run_guide(guide: str, folder: Path) -> str:
    """Write a guide's files and run its commands and Python, in its order. Gives what was printed."""
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "n2m").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m noise2music.flows.cli "$@"\n')
    (folder / "bin" / "n2m").chmod(0o755)
    printed = ""
    for language, title, text in blocks(guide):
        if title:
            (folder / title).write_text(text, encoding="utf-8")
            continue
        told = ["bash", "-c", f'set -e; PATH="{folder}/bin:$PATH"\n{text}'] if language == "bash" else [sys.executable, "-c", text]
        done = subprocess.run(told, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout}"
        printed += done.stdout
    return printed


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_guides_run_from_music_to_a_cascade(tmp_path: Path) -> None:
    printed = run_guide("data", tmp_path)
    assert "files are what their manifests say" in printed
    assert "Nothing to delete" in printed
    assert (tmp_path / "folder" / "README.md").is_file()
    printed = run_guide("training", tmp_path)
    assert "Upload: hf upload me/my-cascade my-cascade ." in printed
    assert len(list((tmp_path / "my-cascade").glob("*.safetensors"))) == 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_guide_to_generation_runs(tmp_path: Path) -> None:
    run_guide("generation", tmp_path)
    for out in ("clips", "best", "waveform"):
        assert {path.stem for path in (tmp_path / "runs" / out / "audio").iterdir()} == {"calm", "beat", "strings"}
