"""docs/errors.md against the code: every reason of a dead row, exclusion, loss and warning stands in it, and no other does.

Reasons are read out of the syntax tree, where they are said. A reason that this cannot read fails the test, with its place.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from noise2music.labeling.captions.cleaning.chain import RULE_REASONS

PROJECT = Path(__file__).resolve().parents[1]
ROOMS = ("core", "labeling", "synth", "models", "evaluation", "pipelines", "flows")
DEAD, EXCLUDED, LOST, WARNED, CLIP = "Dead rows", "Exclusions", "Losses", "Warnings", "Warnings of a clip"
"""Kinds of reasons, by their headings in the catalogue."""
SAID_BY = {
    "RowError": (0, (DEAD,)),
    "_unusable": (0, (DEAD,)),
    "Oddity": (0, (WARNED,)),
    "Bad": (1, (LOST,)),
    "UnreadableCellError": (0, (LOST, WARNED)),
    "_items": (3, (LOST,)),
    "_verdict": (2, (EXCLUDED,)),
    "Verdict": (1, (EXCLUDED,)),
}
"""What is called -> where in its arguments the reason stands, and of what kind that is."""
PASSED_ON = {
    ("core/tables/row.py", "reason"),
    ("core/tables/parquet_reader.py", "reason"),
    ("labeling/stages/embed.py", "reason"),
    ("labeling/stages/probe.py", "reason"),
    ("labeling/captions/readers.py", "reason"),
    ("labeling/captions/readers.py", "unreadable"),
    ("labeling/corpus/copies.py", "reason"),
    ("labeling/captions/cleaning/chain.py", "name"),
    ("labeling/datasets/parts.py", "reason"),
    ("labeling/writer/parse_reply.py", "reason"),
    ("pipelines/vocabulary.py", "reason"),
}
"""Where a reason only passes through: (file, variable). It is read where it comes from."""


@dataclass(frozen=True)
class Said:
    """A reason as it stands in the code."""

    kind: str
    reason: str
    place: str


class Reader(ast.NodeVisitor):
    """The reasons of one file. constants: names of modules' texts. unread: what could not be understood."""

    def __init__(self, path: str, constants: Mapping[str, str]) -> None:
        self.path, self.constants = path, constants
        self.said: list[Said] = []
        self.unread: list[str] = []
        self._functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions.append(node)
        for name, default in _defaults(node):
            if SAID_BY.get(node.name, (None,))[0] is not None and name in ("unreadable", "reason"):
                self._take(SAID_BY[node.name][1], default)
        self.generic_visit(node)
        self._functions.pop()

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)

    def visit_Return(self, node: ast.Return) -> None:
        if self._functions and self._functions[-1].name == "exclusion" and node.value is not None:
            self._take((EXCLUDED,), node.value)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.value, ast.Name) and node.value.id == "losses" and self.path.startswith(("labeling/", "pipelines/")):
            self._take((LOST,), node.slice)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        owner = ast.unparse(node.func.value).split(".")[-1] if isinstance(node.func, ast.Attribute) else ""
        arguments = node.args
        if called in SAID_BY and len(arguments) > SAID_BY[called][0]:
            self._take(SAID_BY[called][1], arguments[SAID_BY[called][0]])
        elif called == "DeadLetter":
            for keyword in node.keywords:
                if keyword.arg == "reason":
                    self._take((DEAD,), keyword.value)
        elif called == "Failure" and ast.literal_eval(arguments[0]) in ("row", "try", "busy"):
            self._take((DEAD,), arguments[1])
        elif called == "warn" and owner != "warnings":
            self._take((WARNED,), arguments[0])
        elif called == "lose":
            at = 1 if owner == "file" else 0
            self._take((WARNED,) if owner in ("notes", "warnings") else (LOST,), arguments[at])
        elif called == "append" and owner == "said" and isinstance(arguments[0], ast.Tuple):
            self._take((WARNED,), arguments[0].elts[0])
        elif called == "append" and owner == "warnings" and self.path.startswith("models/generation/"):
            self._take((CLIP,), arguments[0])
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if isinstance(node.right, ast.ListComp) and isinstance(node.right.elt, ast.Tuple) and ast.unparse(node.left) == "said":
            self._take((WARNED,), node.right.elt.elts[0])
        self.generic_visit(node)

    def _take(self, kinds: tuple[str, ...], node: ast.expr) -> None:
        for reason in self._texts(node, CLIP in kinds):
            self.said += [Said(kind, reason, f"{self.path}:{node.lineno}") for kind in kinds]

    def _texts(self, node: ast.expr, is_sentence: bool = False) -> Iterator[str]:
        match node:
            case ast.Constant(value=None | "") | ast.Attribute() | ast.Subscript():
                return
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr():
                yield "".join(_piece(piece, is_sentence) for piece in node.values)
            case ast.IfExp():
                yield from self._texts(node.body, is_sentence)
                yield from self._texts(node.orelse, is_sentence)
            case ast.Name() if node.id in self.constants:
                yield self.constants[node.id]
            case ast.Name() if values := self._assigned(node.id):
                for value in values:
                    yield from self._texts(value, is_sentence)
            case ast.Name() if (self.path, node.id) in PASSED_ON:
                return
            case _:
                self.unread.append(f"{self.path}:{node.lineno}: {ast.unparse(node)}")

    def _assigned(self, name: str) -> list[ast.expr]:
        inside = ast.walk(self._functions[-1]) if self._functions else iter(())
        return [
            node.value
            for node in inside
            if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
        ]


def _piece(piece: ast.expr, is_sentence: bool) -> str:
    """A piece of an f-string: its text, or the name in capitals (of a sentence "…") for what is put in."""
    if isinstance(piece, ast.Constant):
        return str(piece.value)
    return "…" if is_sentence else ast.unparse(piece).strip("{}f'\"").split(".")[-1].upper()


def _defaults(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, ast.expr]]:
    arguments = [*node.args.posonlyargs, *node.args.args]
    given = arguments[len(arguments) - len(node.args.defaults) :]
    yield from ((argument.arg, default) for argument, default in zip(given, node.args.defaults, strict=True))


def _constants(node: ast.Assign) -> Iterator[tuple[str, str]]:
    """(name, text) of `A = "a"` and of `A, B = "a", "b"`."""
    for target in node.targets:
        names = target.elts if isinstance(target, ast.Tuple) else [target]
        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        for name, value in zip(names, values, strict=False):
            if isinstance(name, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield name.id, value.value


@cache
def read_code() -> tuple[tuple[Said, ...], tuple[str, ...]]:
    """Every reason that the code says, and what could not be read."""
    trees = {
        path.relative_to(PROJECT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for room in ROOMS
        for path in sorted((PROJECT / room).rglob("*.py"))
    }
    constants = dict(pair for tree in trees.values() for node in tree.body if isinstance(node, ast.Assign) for pair in _constants(node))
    said = [Said(LOST, rule, "labeling/captions/cleaning/chain.py") for rule in RULE_REASONS]
    unread: list[str] = []
    for path, tree in trees.items():
        reader = Reader(path, constants)
        reader.visit(tree)
        said += reader.said
        unread += reader.unread
    return tuple(said), tuple(unread)


def catalogue() -> Mapping[str, set[str]]:
    """Heading -> the reasons in the tables below it: what stands in a row's first cell, in backticks."""
    found: dict[str, set[str]] = defaultdict(set)
    heading = ""
    for line in (PROJECT / "docs/errors.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| `"):
            found[heading].update(re.findall(r"`([^`]+)`", line.split("|")[1]))
    return found


def test_every_reason_can_be_read_out_of_the_code() -> None:
    unread = read_code()[1]
    assert not unread, "say the reason as a text where it arises, or list the variable in PASSED_ON:\n" + "\n".join(unread)


@pytest.mark.parametrize("kind", [DEAD, EXCLUDED, LOST, WARNED, CLIP])
def test_the_catalogue_holds_the_reasons_of_the_code_and_no_others(kind: str) -> None:
    places: dict[str, str] = {said.reason: said.place for said in read_code()[0] if said.kind == kind}
    listed = catalogue()[kind]
    assert places, f"no reason of the kind {kind} was found in the code"
    assert not (missing := {reason: place for reason, place in places.items() if reason not in listed}), f"docs/errors.md lacks {missing}"
    assert not (surplus := listed - set(places)), f"docs/errors.md has under {kind!r} what no code says: {sorted(surplus)}"


def test_every_row_of_the_catalogue_says_what_and_what_to_do() -> None:
    rows = [line for line in (PROJECT / "docs/errors.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]
    assert [row for row in cells if len(row) != 3 or not all(row)] == []
