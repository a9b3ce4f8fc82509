"""Every command stands under one heading, says what its options are, and shows an example that parses."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from noise2music.flows.cli import n2m
from noise2music.flows.cli.sections import EXAMPLE


def walk(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    """(name as it is typed after n2m, command) of every command, those of groups in groups too."""
    for name, command in group.commands.items():
        yield " ".join((*path, name)), command
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))


COMMANDS = dict(walk(n2m))


def examples(command: click.Command) -> list[list[str]]:
    """What an example's lines say after n2m."""
    lines = (command.epilog or "").splitlines()
    assert lines[:2] == ["\b", EXAMPLE]
    typed = [shlex.split(line, comments=True) for line in lines[2:]]
    assert typed
    assert all(words[0] == "n2m" for words in typed)
    return [words[1:] for words in typed]


def parse(arguments: list[str]) -> list[str]:
    """The commands that the arguments name. Raises click.UsageError where they do not parse."""
    group, names = n2m, []
    while True:
        name, command, arguments = group.resolve_command(click.Context(group), arguments)
        assert name is not None
        assert command is not None
        names.append(name)
        context = command.make_context(name, list(arguments))
        rest = [*context._protected_args, *context.args]  # What a group leaves for its commands.
        if not isinstance(command, click.Group) or not rest:
            return names
        group, arguments = command, rest


def test_every_command_stands_under_one_heading() -> None:
    listed = [name for names in n2m.sections.values() for name in names]
    assert list(n2m.sections) == ["Data", "Models", "Music", "Measure", "Look", "Operate"]
    assert sorted(listed) == sorted(n2m.commands)


def test_help_shows_headings_and_whole_sentences() -> None:
    shown = CliRunner().invoke(n2m, ["--help"], terminal_width=80).output
    for heading, names in n2m.sections.items():
        below = shown.split(f"\n{heading}:\n")[1].split("\n\n")[0]
        assert re.findall(r"^  (\S+(?: \S+)*)  ", below, re.MULTILINE) == names
    assert "..." not in shown.replace("[ARGS]...", "")
    assert "Other:" not in shown
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_a_command_under_no_heading_is_still_shown() -> None:
    n2m.add_command(click.Command("stray", help="A stray."))
    try:
        assert "\nOther:\n  stray " in CliRunner().invoke(n2m, ["--help"]).output
    finally:
        del n2m.commands["stray"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_and_options(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert command.get_short_help_str(120).endswith(".")
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.help.rstrip()[-1] in ".)", parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_parse(name: str) -> None:
    for arguments in examples(COMMANDS[name]):
        assert " ".join(parse(arguments)).startswith(name)


def test_an_example_with_a_mistake_is_noticed() -> None:
    for line in ("labell --audio music", "label --audoi music", "labels runs/music", "plan trian"):
        with pytest.raises(click.UsageError):
            parse(line.split())


@pytest.mark.parametrize(("typed", "offered"), [("n2m pr", {"prompt", "prompts", "prune"}), ("n2m label --au", {"--audio"})])
def test_the_shell_completes(typed: str, offered: set[str]) -> None:
    """As the function does that `_N2M_COMPLETE=zsh_source n2m` prints."""
    words = {"_N2M_COMPLETE": "zsh_complete", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    script = "import sys; sys.argv = ['n2m']; from noise2music.flows.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", script], env=os.environ | words, capture_output=True, text=True, check=False)
    assert set(done.stdout.splitlines()[1::3]) == offered, done.stderr


def test_a_renamed_command_is_called_by_its_old_name_and_says_the_new_one() -> None:
    told = CliRunner().invoke(n2m, ["everything", "--help"])
    assert told.exit_code == 0
    assert "Label music, train the cascade on it" in told.stdout
    assert told.stderr == "`n2m everything` is now called `n2m end-to-end`.\n"
    assert "everything " not in CliRunner().invoke(n2m, ["--help"]).output
