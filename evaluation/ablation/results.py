"""The figures of an ablation as a table: one row for each cell, network and metric, with what a clip of the cell costs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from noise2music.evaluation.ablation.cells import Cell
from noise2music.evaluation.ablation.cost import Cost
from noise2music.evaluation.results import Results, json_file, table_of

RESULTS, RESULTS_TABLE = "ablation.json", "ablation.parquet"
FORMAT = 1


@dataclass(frozen=True)
class AblationRow:
    """One figure of one cell.

    values: what is varied, as JSON. store: of the clips, below `out`. value to clips: as in `Row`. seconds_clip: of a clip made alone
    on `machine`. stage: the one that the cell varies, "" for none or several; steps, ms_step: of that stage, or of all stages together.
    """

    sweep: str
    cell: str
    route: str
    values: str
    store: str
    network: str
    metric: str
    value: float
    corrected: float | None
    low: float | None
    high: float | None
    p: float | None
    clips: int
    seconds_clip: float
    stage: str
    steps: int
    ms_step: float
    machine: str


def ablation_rows(cells: Sequence[Cell], costs: Mapping[str, Cost], results: Results) -> tuple[AblationRow, ...]:
    """Rows in the order of the cells; cells that share clips have the same figures. costs: by store."""
    rows = []
    for cell in cells:
        cost = costs[cell.store]
        varied = [stage for stage in cost.stages if stage.stage in cell.values]
        counted = varied or cost.stages
        steps = sum(stage.steps for stage in counted)
        for row in results.rows:
            if row.system != cell.label:
                continue
            rows.append(
                AblationRow(
                    sweep=cell.sweep,
                    cell=cell.name,
                    route=cell.generation.route,
                    values=json.dumps(cell.values),
                    store=cell.store,
                    network=row.network,
                    metric=row.metric,
                    value=row.value,
                    corrected=row.corrected,
                    low=row.low,
                    high=row.high,
                    p=row.p,
                    clips=row.clips,
                    seconds_clip=cost.seconds,
                    stage=varied[0].stage if len(varied) == 1 else "",
                    steps=steps,
                    ms_step=sum(stage.steps * stage.ms_step for stage in counted) / steps,
                    machine=cost.machine,
                )
            )
    return tuple(rows)


def pareto(points: Sequence[tuple[float, float]]) -> list[int]:
    """(seconds, distance) -> places of the points that no other beats in one without being worse in the other, by seconds."""
    front: list[int] = []
    for place in sorted(range(len(points)), key=lambda place: points[place]):
        if not front or points[place][1] < points[front[-1]][1]:
            front.append(place)
    return front


def ablation_table(rows: Sequence[AblationRow]) -> pa.Table:
    """Rows as a table in their order."""
    return table_of(AblationRow, rows)


def ablation_json(rows: Sequence[AblationRow], costs: Mapping[str, Cost], settings: Mapping[str, Any]) -> bytes:
    """Rows, the cost of every store by stage, and the settings, for other programs."""
    values = {
        "format": FORMAT,
        "rows": [asdict(row) for row in rows],
        "costs": {store: asdict(cost) for store, cost in costs.items()},
        "settings": settings,
    }
    return json_file(values)
