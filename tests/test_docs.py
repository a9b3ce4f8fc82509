"""The docs name what is there: every relative link, anchor, file, module, command and option of them exists."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from noise2music.flows.cli import n2m

PROJECT = Path(__file__).resolve().parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
ROOMS = "core|labeling|models|evaluation|pipelines|flows|synth|src|scripts|tests|benchmarks|examples|docker|docs"
LINK = re.compile(r"\]\(([^)\s]+)\)")
FILE = re.compile(rf"(?<![\w./{{-])((?:{ROOMS})/[\w./-]+)")
COMMAND = re.compile(r"^(?:    )?n2m (\S.*)$|`n2m ([^`\n]+)`", re.MULTILINE)
MODULE = re.compile(r"\b(?:noise2music|benchmarks|scripts)(?:\.\w+)+")
of_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT).as_posix())
of_each_that_names_the_present = pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=lambda page: page.relative_to(PROJECT).as_posix()
)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings: lower case, hyphens for blanks, without other marks."""
    headings = re.findall(r"^#{1,6} (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def modules(name: str) -> Iterator[Path]:
    """Files that a dotted name may be: a module, a package, or what the module before the last name holds."""
    parts = name.removeprefix("noise2music.").split(".")
    for named in (parts, parts[:-1]):
        path = PROJECT.joinpath(*named)
        yield from (path.with_suffix(".py"), path / "__init__.py") if named else (PROJECT / "src/noise2music/__init__.py",)


@of_each_page
def test_links_lead_somewhere(page: Path) -> None:
    lost = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = page.parent / path if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


@of_each_that_names_the_present
def test_files_that_are_named_exist(page: Path) -> None:
    named = {match.rstrip("./-") for match in FILE.findall(page.read_text(encoding="utf-8"))}
    made_up = {name for name in named if re.search(r"\b[A-Z]{2,}\b", name)}
    assert [name for name in sorted(named - made_up) if not (PROJECT / name).exists()] == []


@of_each_that_names_the_present
def test_modules_that_are_named_exist(page: Path) -> None:
    named = sorted(set(MODULE.findall(page.read_text(encoding="utf-8"))))
    assert [name for name in named if not any(path.exists() for path in modules(name))] == []


@of_each_that_names_the_present
def test_commands_are_understood(page: Path) -> None:
    """Lines of code and `n2m ...` in the text; what is named without its arguments lacks no option."""
    for found in COMMAND.findall(page.read_text(encoding="utf-8")):
        line = found[0] or re.sub(r"[\[\]]| \.\.\..*", "", found[1])
        words = shlex.split(line, comments=True)
        command: click.Command = n2m
        while isinstance(command, click.Group) and words:
            size = 2 if " ".join(words[:2]) in command.commands else 1
            if (name := " ".join(words[:size])) not in command.commands:
                break
            command, words = command.commands[name], words[size:]
        assert command is not n2m or words in (["--help"], ["COMMAND", "--help"]), line
        try:
            command.make_context("n2m", words)
        except (click.MissingParameter, click.exceptions.NoArgsIsHelpError, click.exceptions.Exit):
            continue
        except click.UsageError as error:
            pytest.fail(f"{line}: {error.format_message()}")


def test_the_first_page_is_one_page_and_runs_anywhere() -> None:
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert "../shared" not in text
    assert "examples/real.toml" not in text
    assert 60 <= len(text.splitlines()) <= 80
