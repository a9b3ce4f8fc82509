"""The page of an ablation: distance against similarity, distance against seconds, every cell, and what each stage costs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noise2music.evaluation.ablation.cells import ALONE, BASELINE, ORACLES, Cell, say
from noise2music.evaluation.ablation.cost import Cost, PaperStage, StageCost, paper_cost
from noise2music.evaluation.ablation.results import AblationRow, pareto
from noise2music.evaluation.results import Results
from noise2music.flows.pages.charts import SERIES
from noise2music.flows.pages.html import flatten, render_document
from noise2music.flows.pages.intervals import Interval, interval_chart
from noise2music.flows.pages.scatter import Dots, scatter_chart

PAGE = "index.html"


@dataclass(frozen=True)
class CostLine:
    """One stage as some cells sample it. cells: how many; paper: table 6, where the paper has the stage."""

    cost: StageCost
    cells: tuple[str, ...]
    paper: PaperStage | None

    @property
    def agrees(self) -> bool:
        """Whether steps times the time of one are the stage's seconds within 10 %."""
        return abs(self.cost.beyond) <= 0.1 * self.cost.seconds


@dataclass(frozen=True)
class Chart:
    """A chart under its heading."""

    heading: str
    drawing: Markup


def render_ablation_page(
    cells: Sequence[Cell],
    rows: Sequence[AblationRow],
    costs: Mapping[str, Cost],
    results: Results,
    evaluation: str,
    settings: Mapping[str, object],
) -> str:
    """One HTML document. evaluation: link to the page of all figures. Texts are escaped, and no script but the page's own runs."""
    networks = sorted({row.network for row in rows if row.metric == "fad"})
    similarity = next(((row.network, row.metric) for metric in ("text", "audio") for row in rows if row.metric == metric), None)
    figures = {(row.sweep, row.cell, row.network, row.metric): row for row in rows}
    return render_document(
        "ablation.html.j2",
        "evaluation.css",
        "ablation.css",
        cells=[(cell, costs[cell.store]) for cell in cells],
        different=len({cell.store for cell in cells}),
        networks=networks,
        similarity=similarity,
        figures=figures,
        curves=list(_curves(rows, networks, similarity)),
        fronts=list(_fronts(rows, networks)),
        oracles=list(_oracles(rows, networks)),
        costs=_cost_lines(cells, costs),
        machine=next(iter(costs.values())).machine,
        paper=paper_cost(),
        protocol=results.protocol,
        reference=results.reference,
        said=results.said,
        evaluation=evaluation,
        settings=list(flatten(settings)),
    )


def _routes(rows: Sequence[AblationRow]) -> list[str]:
    return list(dict.fromkeys(row.route for row in rows))


def _curves(rows: Sequence[AblationRow], networks: Sequence[str], similarity: tuple[str, str] | None) -> Iterator[Chart]:
    """For each network and route, a line a sweep; of a grid, a line for all values of its last axis."""
    if similarity is None:
        return
    close = {(row.sweep, row.cell): row.value for row in rows if (row.network, row.metric) == similarity}
    name = f"similarity to the {'prompt' if similarity[1] == 'text' else 'reference clip'} by {similarity[0]}"
    for network in networks:
        for route in _routes(rows):
            lines: dict[str, list[tuple[float, float, str, str]]] = {}
            for row in rows:
                here = row.network == network and row.metric == "fad" and row.route == route and row.sweep not in (BASELINE, ORACLES)
                if here and (row.sweep, row.cell) in close:
                    x = close[row.sweep, row.cell]
                    hover = f"{row.sweep}: {row.cell}: FAD {row.value:.4g}, similarity {x:.4g}"
                    lines.setdefault(_line(row), []).append((x, row.value, _short(row), hover))
            drawn = [Dots(sweep, SERIES[place % len(SERIES)], points) for place, (sweep, points) in enumerate(lines.items())]
            for start in range(0, len(drawn), len(SERIES)):
                groups = drawn[start : start + len(SERIES)]
                title = f"FAD by {network} against similarity, {route} route"
                heading = f"{title}: {', '.join(group.name for group in groups)}"
                yield Chart(heading, scatter_chart(title, "Down and to the right is better.", groups, name, f"FAD ({network})"))


def _fronts(rows: Sequence[AblationRow], networks: Sequence[str]) -> Iterator[Chart]:
    """For each network and route, every cell's distance against its seconds, and those that no other beats."""
    for network in networks:
        for route in _routes(rows):
            first: dict[str, AblationRow] = {}
            for row in rows:
                if row.network == network and row.metric == "fad" and row.route == route and row.sweep != ORACLES:
                    first.setdefault(row.store, row)
            found = list(first.values())
            best = pareto([(row.seconds_clip, row.value) for row in found])

            def point(row: AblationRow, named: bool) -> tuple[float, float, str, str]:
                hover = f"{row.cell}: {row.seconds_clip:.3g} s, FAD {row.value:.4g}"
                return row.seconds_clip, row.value, _short(row) if named else "", hover

            if found:
                groups = [
                    Dots("cells that another beats", "null", [point(row, False) for n, row in enumerate(found) if n not in best], False),
                    Dots("Pareto front", "after", [point(found[n], True) for n in best]),
                ]
                title = f"FAD by {network} against seconds, {route} route"
                yield Chart(title, scatter_chart(title, "Down and to the left is better.", groups, "seconds a clip", f"FAD ({network})"))


def _oracles(rows: Sequence[AblationRow], networks: Sequence[str]) -> Iterator[Chart]:
    for network in networks:
        lines = [
            Interval(row.cell.removesuffix(ALONE), row.value, row.low, row.high, f"{row.value:.4g} as measured", row.corrected)
            for row in rows
            if row.sweep == ORACLES and row.network == network and row.metric == "fad"
        ]
        if lines:
            said = "; ".join(f"{line.name} {line.value:.4g}" for line in lines)
            yield Chart(
                f"FAD by {network}", interval_chart(f"Stages alone, {network}", said, lines, f"FAD ({network}), lower is better", zero=True)
            )


def _axes(row: AblationRow) -> list[tuple[str, str]]:
    """(axis, value in words) of a cell; a list of runs is long, and only called so."""
    stages = json.loads(row.values)
    return [
        (axis, say(value) if isinstance(value, str | int | float) else "runs") for axes in stages.values() for axis, value in axes.items()
    ]


def _line(row: AblationRow) -> str:
    """The name of the line that a cell is on."""
    fixed = ", ".join(f"{axis} {value}" for axis, value in _axes(row)[:-1])
    return f"{row.sweep}, {fixed}" if fixed else row.sweep


def _short(row: AblationRow) -> str:
    """The values alone, to stand beside a dot."""
    return ", ".join(value for _, value in _axes(row)) or row.sweep


def _cost_lines(cells: Sequence[Cell], costs: Mapping[str, Cost]) -> list[CostLine]:
    """Of each stage, every number of steps once, by the median cell: the time of a step does not depend on where the steps lie."""
    paper = {stage.stage: stage for stage in paper_cost().stages}
    found: dict[tuple[str, int, int], tuple[list[StageCost], list[str]]] = {}
    for cell in cells:
        for cost in costs[cell.store].stages:
            measured, names = found.setdefault((cost.stage, cost.steps, cost.calls), ([], []))
            if cell.name not in names:
                names.append(cell.name)
                measured.append(cost)
    return [
        CostLine(sorted(measured, key=lambda cost: cost.seconds)[(len(measured) - 1) // 2], tuple(names), paper.get(stage))
        for (stage, _, _), (measured, names) in sorted(found.items())
    ]
