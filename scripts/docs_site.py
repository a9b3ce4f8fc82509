"""Hooks of mkdocs: pages that are made when the site is built, so that nothing made is committed.

index.md is the README, contributing.md and changelog.md are the files of the project's root, reference/commands.md is the help of every
command, and reference/python.md gets the names that `import noise2music` offers.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from noise2music.flows.cli import n2m

PROJECT = Path(__file__).resolve().parents[1]
ROOT_PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Files of the project's root -> pages of the site."""
ASSETS = ("CITATION.cff",)
"""Files of the project's root that pages lead to as they are."""
FACE = "<!-- names of noise2music -->"
WIDTH = 96

_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)((?:#[^)\s]*)?)\)")
_DIRECTIVE = re.compile(r"^::: (\S+)$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the pages that are made."""
    for name, page in ROOT_PAGES.items():
        text = _LINK.sub(_link_of_root, (PROJECT / name).read_text(encoding="utf-8"))
        files.append(File.generated(config, page, content=text))
    for name in ASSETS:
        files.append(File.generated(config, name, abs_src_path=str(PROJECT / name)))
    files.append(File.generated(config, "reference/commands.md", content=commands_page()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Lead links to files of the root to their pages, and fill the page of the Python interface."""
    if page.file.src_uri in ROOT_PAGES.values():
        return markdown
    for name, target in ROOT_PAGES.items():
        markdown = markdown.replace(f"](../{name}", f"]({target}")
    return _with_face(markdown) if FACE in markdown else markdown


def commands_page() -> str:
    """The help of every command, in the order of `n2m --help`."""
    lines = ["# Commands", "", "What `n2m COMMAND --help` prints.", "", "```text", _help(n2m, None, "n2m"), "```", ""]
    for name, command, parent in _commands(n2m, _context(n2m, None, "n2m")):
        lines += [f"## {name}", "", "```text", _help(command, parent, name.split()[-1]), "```", ""]
    return "\n".join(lines)


def face_names() -> dict[str, str]:
    """What `import noise2music` offers, by its name there -> its full name: what the type checking block imports, functions first."""
    tree = ast.parse((PROJECT / "src/noise2music/__init__.py").read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for block in tree.body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for node in ast.walk(block):
                if isinstance(node, ast.ImportFrom):
                    found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {name: found[name] for name in sorted(found, key=lambda name: (not name.islower(), name))}


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield f"{context.command_path} {name}", command, context
        if isinstance(command, click.Group):
            yield from _commands(command, _context(command, context, name))


def _help(command: click.Command, parent: click.Context | None, name: str) -> str:
    return command.get_help(_context(command, parent, name))


def _context(command: click.Command, parent: click.Context | None, name: str) -> click.Context:
    return click.Context(command, parent, name, **{**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH})


def _link_of_root(match: re.Match[str]) -> str:
    """A link of a file in the root, as its page has it."""
    path, anchor = match.groups()
    return f"]({ROOT_PAGES.get(path, path.removeprefix('docs/'))}{anchor})"


def _with_face(markdown: str) -> str:
    """Put the names of the face in their place, and leave out further down what then stands twice."""
    names = face_names()
    before, after = markdown.split(FACE)
    after = _DIRECTIVE.sub(lambda match: "" if match[1] in names.values() else match[0], after)
    shown = [f"::: {full}\n    options:\n      heading: n2m.{name}\n      toc_label: n2m.{name}" for name, full in names.items()]
    return before + "\n\n".join(shown) + after
