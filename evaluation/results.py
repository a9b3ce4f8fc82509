"""The figures of an evaluation as a table: one row for each system, network and metric, with all that says what the figure is of.

Beside them, what the paper reports.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

import pyarrow as pa

from noise2music.core.data_files import read_toml
from noise2music.core.errors import UserError
from noise2music.core.storage import read_uri
from noise2music.evaluation.protocol import Protocol, differences

RESULTS, RESULTS_TABLE = "results.json", "results.parquet"
FORMAT = 1
_DIGITS = 8
"""Kept of a figure: what is beyond is the machine's."""


@dataclass(frozen=True)
class Row:
    """One figure.

    metric: "fad", "kad", "text", "text top 1", "audio", "tags" or "level". value: as measured; corrected: without the bias by the number of
    clips; error: standard error over clips; low, high: 95 % interval. null_mean, null_high: where there is no difference, the mean and the
    95th percentile; p: how rarely that is as large. clips, rows: that entered; effective: independent rows they are worth; rank: directions
    over which the variance is spread. enough: whether there are 4 dimension effective rows on both sides, without which `corrected` is not
    to be trusted. identity: of the network with its weights. reference: name and hash of what it is compared with. protocol: name and hash.
    """

    system: str
    network: str
    metric: str
    value: float
    corrected: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None
    null_mean: float | None = None
    null_high: float | None = None
    p: float | None = None
    clips: int = 0
    rows: int = 0
    effective: float | None = None
    dimension: int | None = None
    rank: float | None = None
    enough: bool | None = None
    bandwidth: float | None = None
    identity: str = ""
    reference: str = ""
    reference_clips: int = 0
    protocol: str = ""

    @property
    def best(self) -> float:
        """What is known best of the figure: without its bias, where that can be told."""
        return self.value if self.corrected is None else self.corrected


@dataclass(frozen=True)
class Results:
    """rows: sorted. curves: how a distance falls with the number of clips. dead, missing, copies: system -> key -> why, or of which.
    warned: system -> key -> what the guards say. said: what should be known. protocol: all of it. networks: name -> identity.
    reference: {"name", "digest", "clips"}.
    """

    rows: tuple[Row, ...]
    curves: tuple[Mapping[str, Any], ...]
    dead: Mapping[str, Mapping[str, str]]
    missing: Mapping[str, Mapping[str, str]]
    copies: Mapping[str, Mapping[str, str]]
    warned: Mapping[str, Mapping[str, str]]
    said: tuple[str, ...]
    protocol: Mapping[str, Any]
    networks: Mapping[str, str]
    reference: Mapping[str, Any]


def rounded(row: Row) -> Row:
    """The row with figures of _DIGITS digits."""
    values = asdict(row).items()
    kept: dict[str, Any] = {name: float(f"{value:.{_DIGITS - 1}e}") if isinstance(value, float) else value for name, value in values}
    return Row(**kept)


def results_table(rows: Sequence[Row]) -> pa.Table:
    """Rows as a table in their order."""
    return table_of(Row, rows)


def results_json(results: Results) -> bytes:
    """All of it, for other programs and for `beside`."""
    values = {"format": FORMAT, **asdict(results), "rows": [asdict(row) for row in results.rows]}
    return json_file(values)


def read_results(uri: str) -> Results:
    """What `results_json` wrote; `uri` is the file or its folder. Raises UserError."""
    path = uri if uri.endswith(".json") else f"{uri.rstrip('/')}/{RESULTS}"
    try:
        values = json.loads(read_uri(path))
        if values.pop("format") != FORMAT:
            raise UserError(f"{path} is of another version of noise2music. Evaluate again.")
        rows = tuple(Row(**row) for row in values.pop("rows"))
        lists: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return Results(rows=rows, **lists)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is no results.json of `n2m evaluate` ({error}).") from None


def check_comparable(where: str, there: Results, protocol: Protocol, networks: Mapping[str, str], reference: Mapping[str, Any]) -> None:
    """Raises UserError, with all that differs, where figures of other results are not of one kind with those of an evaluation."""
    wrong = differences(protocol, there.protocol)
    for name in sorted(networks.keys() & there.networks.keys()):
        if networks[name] != there.networks[name]:
            wrong.append(f"{name} has other weights ({there.networks[name][:12]} there and {networks[name][:12]} here)")
    if there.reference.get("digest") != reference["digest"]:
        theirs, ours = (f"{item.get('name')} ({item.get('clips')} clips)" for item in (there.reference, reference))
        wrong.append(f"the reference is {theirs} there and {ours} here" + (", with other audio" if theirs == ours else ""))
    if wrong:
        raise UserError(f"{where} cannot stand beside these figures: {'; '.join(wrong)}. Evaluate its clips again.")


def table_of(kind: type[Any], rows: Sequence[Any]) -> pa.Table:
    """Dataclasses of one kind, whose fields are texts and numbers -> a table of them in their order."""
    hints = get_type_hints(kind)
    schema = pa.schema([pa.field(field.name, _KINDS[hints[field.name]]) for field in fields(kind)])
    return pa.Table.from_pylist([asdict(row) for row in rows], schema)


def json_file(values: Mapping[str, Any]) -> bytes:
    """Figures as a JSON file that people can read too. Raises ValueError for NaN and infinity."""
    return (json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


_KINDS: dict[Any, pa.DataType] = {
    str: pa.string(),
    float: pa.float64(),
    int: pa.int64(),
    float | None: pa.float64(),
    int | None: pa.int64(),
    bool | None: pa.bool_(),
}


@dataclass(frozen=True)
class PaperFigure:
    """One line of the paper's tables; None where it has no figure."""

    set: str
    model: str
    vggish: float | None = None
    trill: float | None = None
    mulan: float | None = None
    text: float | None = None
    audio: float | None = None


@dataclass(frozen=True)
class PaperFigures:
    """note: what must be known before the figures are compared with others."""

    note: str
    figures: tuple[PaperFigure, ...]


def paper_figures() -> PaperFigures:
    """Tables 3 and 4 of arXiv 2302.03917v2."""
    return read_toml("noise2music.evaluation", "paper.toml", PaperFigures)
