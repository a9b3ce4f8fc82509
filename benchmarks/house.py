"""How the code is laid out, in figures, each beside its goal: `python -m benchmarks.house`.

Only text is read, nothing is imported. A package's rooms are what lies in it, modules and packages; an arrow runs from a room to one
that it imports from, anywhere in its files. A room stands one floor above the highest that it imports from. A circle is a set of files
that reach each other by imports. Where rooms go round in a circle, the arrows that have to be left out to count floors run upwards.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import click

PROJECT = Path(__file__).resolve().parents[1]
NAME = "noise2music"
ROOMS = ("core", "labeling", "synth", "models", "evaluation", "pipelines", "flows")
LABEL = "flows.label"
TRAINER = "models.training.trainer"

Graph = Mapping[str, set[str]]
"""Each module or room, and what it imports."""


@dataclass(frozen=True)
class Sheet:
    """The rooms of one package. `circles`: how many files each holds."""

    rooms: int
    floors: int
    arrows: int
    upwards: tuple[tuple[str, str], ...]
    circles: tuple[int, ...]


def read_modules(project: Path, rooms: Sequence[str] = ROOMS) -> dict[str, Path]:
    """Module without the first name -> its file. A package has the name of its folder."""
    files = (path for room in rooms for path in sorted((project / room).rglob("*.py")))
    return {".".join(path.relative_to(project).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def import_graph(modules: Mapping[str, Path]) -> Graph:
    """Imports between the modules, those inside functions too. A package counts where its name is written in the import."""
    return {
        module: {name for found in imports(path) if (name := found.removeprefix(f"{NAME}.")) in modules and found != name} - {module}
        for module, path in modules.items()
    }


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports, anywhere in it. `from a import b` gives a and a.b: b may be a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def closure(graph: Graph, start: str) -> set[str]:
    """All that is reached from a module, itself too."""
    reached, ahead = set[str](), [start]
    while ahead:
        module = ahead.pop()
        if module not in reached:
            reached.add(module)
            ahead += graph[module]
    return reached


def circles(graph: Graph, inside: str) -> list[set[str]]:
    """Sets of modules of a package that reach each other; what goes through another package is none of it."""
    own = {module: {name for name in imported if _is_in(name, inside)} for module, imported in graph.items() if _is_in(module, inside)}
    reached = {module: closure(own, module) for module in own}
    found = {frozenset(other for other in reached[module] if module in reached[other]) for module in own}
    return sorted((set(circle) for circle in found if len(circle) > 1), key=lambda circle: (-len(circle), sorted(circle)))


def sheet(graph: Graph, inside: str) -> Sheet:
    """The rooms of a package, counted."""
    weights: dict[tuple[str, str], int] = {}
    rooms = {room for module in graph if (room := _room(module, inside))}
    for module, imported in graph.items():
        for name in imported:
            ours, theirs = _room(module, inside), _room(name, inside)
            if ours and theirs and ours != theirs:
                weights[ours, theirs] = weights.get((ours, theirs), 0) + 1
    upwards = _upwards(weights)
    below = {room: {to for (source, to) in weights.keys() - upwards if source == room} for room in rooms}
    floors: dict[str, int] = {}
    for room in TopologicalSorter(below).static_order():
        floors[room] = 1 + max((floors[other] for other in below[room]), default=0)
    found = tuple(len(circle) for circle in circles(graph, inside))
    return Sheet(len(rooms), max(floors.values(), default=0), len(weights), tuple(sorted(upwards)), found)


def _upwards(weights: Mapping[tuple[str, str], int]) -> set[tuple[str, str]]:
    """Of each circle of rooms the arrow that the fewest imports make, until there is no circle."""
    left = set[tuple[str, str]]()
    while True:
        below: dict[str, set[str]] = {}
        for source, to in sorted(weights.keys() - left):
            below.setdefault(source, set()).add(to)
        try:
            TopologicalSorter(below).prepare()
        except CycleError as error:
            circle = error.args[1]  # Each is imported by the next.
            left.add(min(((circle[i + 1], circle[i]) for i in range(len(circle) - 1)), key=lambda arrow: (weights[arrow], arrow)))
        else:
            return left


def _is_in(module: str, package: str) -> bool:
    return module.startswith(f"{package}.")


def _room(module: str, package: str) -> str:
    """Which room of a package a module is or is in; "" outside."""
    return module.removeprefix(f"{package}.").split(".")[0] if _is_in(module, package) else ""


def measure(project: Path) -> list[tuple[str, str, str]]:
    """(what, figure, goal) of each figure."""
    modules = read_modules(project)
    graph = import_graph(modules)
    sheets = {room: sheet(graph, room) for room in ROOMS}
    labeling = sheets["labeling"]
    lines = {module: len(path.read_text(encoding="utf-8").splitlines()) for module, path in modules.items()}
    short = [module for module, count in lines.items() if count < 40]
    loose = [path for path in (project / "labeling").glob("*.py") if path.name != "__init__.py"]
    return [
        ("labeling: rooms", f"{labeling.rooms}", "12"),
        ("labeling: floors", f"{labeling.floors}", "6"),
        ("labeling: arrows upwards", f"{len(labeling.upwards)} of {labeling.arrows}", "0"),
        ("labeling: loose files", f"{len(loose)}", "3"),
        *((f"{room}: circles of files", _circles(found), "0") for room, found in sheets.items()),
        ("files under 40 lines", f"{len(short)} of {len(modules)}", "50"),
        ("  of them __init__.py", f"{sum(modules[module].name == '__init__.py' for module in short)}", ""),
        ("import closure of n2m label, files", f"{len(closure(graph, LABEL))}", "150"),
        ("import closure of the trainer, files", f"{len(closure(graph, TRAINER))}", "80"),
        ("library Python, lines", f"{sum(lines.values()):,}", "27,000"),
    ]


def _circles(found: Sheet) -> str:
    return f"{len(found.circles)}" + (f" ({' + '.join(map(str, found.circles))} files)" if found.circles else "")


@click.command()
@click.option("--project", type=click.Path(path_type=Path, exists=True), default=PROJECT, help="Another checkout.")
@click.option("--why", metavar="MODULE", help="Also list what the import closure of a module holds, for example flows.label.")
def main(project: Path, why: str | None) -> None:
    """Print the figures."""
    rows = measure(project)
    width = max(len(what) for what, _, _ in rows)
    print(f"{'':{width}}  {'now':>20}  at most")
    for what, figure, goal in rows:
        print(f"{what:{width}}  {figure:>20}  {goal:>7}".rstrip())
    for source, to in sheet(import_graph(read_modules(project)), "labeling").upwards:
        print(f"upwards: {source} -> {to}")
    if why:
        print(*sorted(closure(import_graph(read_modules(project)), why)), sep="\n")


if __name__ == "__main__":
    main()
