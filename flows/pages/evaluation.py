"""The page of an evaluation: figures with their intervals, clips to listen to, what the guards found, and the paper's table beside."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noise2music.evaluation.evaluate import Evaluation
from noise2music.evaluation.hearing import Heard
from noise2music.evaluation.measure import ENOUGH, REFERENCE, SHUFFLED
from noise2music.evaluation.results import Row, paper_figures
from noise2music.flows.pages.charts import SERIES, Line, loss_curves
from noise2music.flows.pages.html import BESIDE, flatten, render_document
from noise2music.flows.pages.intervals import Interval, interval_chart

NAMES = {
    "fad": "Fréchet audio distance",
    "kad": "Kernel audio distance",
    "text": "Similarity to the prompt",
    "audio": "Similarity to the reference clip",
    "tags": "Divergence of tags from the reference clip",
    "level": "Level",
}


@dataclass(frozen=True)
class Player:
    """A clip on the page. name: of its files below clips/. share: of the distance, and how that is to the mean of the set."""

    key: str
    name: str
    prompt: str | None
    share: float
    times: float
    said: str


@dataclass(frozen=True)
class Listening:
    """The clips of a system that a network puts nearest to the reference, and farthest."""

    system: str
    network: str
    nearest: tuple[Player, ...]
    farthest: tuple[Player, ...]


@dataclass(frozen=True)
class Guarded:
    """What is known of a system's clips, whatever the network. bandwidth: the median, Hz."""

    label: str
    uri: str
    heard: int
    missing: Mapping[str, str]
    dead: Mapping[str, str]
    copies: int
    warned: Mapping[str, str]
    level: Row | None
    bandwidth: float | None


@dataclass(frozen=True)
class Network:
    """distances: of FAD, by system. kernels: of KAD. charts and the curve over clips. scores: similarities and tags."""

    name: str
    identity: str
    distances: tuple[Row, ...]
    kernels: Mapping[str, Row]
    charts: tuple[Markup, ...]
    curve: Markup | None
    scores: tuple[Row, ...]

    @property
    def enough(self) -> bool:
        """Whether all corrected distances can be trusted."""
        return all(row.enough for row in self.distances)


def listening(evaluation: Evaluation, shown: int) -> tuple[Listening, ...]:
    """For each system and network the nearest and the farthest clips, by their shares of the distance."""
    heard = {item.label: item for item in evaluation.heard}
    found = []
    for network, systems in evaluation.shares.items():
        for label, shares in systems.items():
            ordered = sorted(shares, key=lambda key: (shares[key], key))
            few = min(shown, len(ordered) // 2)
            mean = statistics.fmean(shares.values()) or 1.0
            players = (
                {key: _player(heard[label], evaluation, key, shares[key], mean) for key in (*ordered[:few], *ordered[-few:])} if few else {}
            )
            if few:
                near, far = ordered[:few], ordered[: -few - 1 : -1]
                found.append(Listening(label, network, tuple(players[key] for key in near), tuple(players[key] for key in far)))
    return tuple(found)


def render_evaluation_page(evaluation: Evaluation, lists: Sequence[Listening], settings: Mapping[str, object]) -> str:
    """One HTML document; links are relative. Texts are escaped, and no script but the page's own runs."""
    results = evaluation.results
    return render_document(
        "evaluation.html.j2",
        "evaluation.css",
        images=f"{BESIDE} data:",
        media=BESIDE,
        results=results,
        protocol=evaluation.protocol,
        systems=[item for item in evaluation.heard if item.label != REFERENCE],
        networks=[_network(evaluation, name) for name in results.networks],
        guarded=[_guarded(evaluation, item) for item in evaluation.heard],
        lists=lists,
        names=NAMES,
        enough=ENOUGH,
        paper=paper_figures(),
        settings=list(flatten(settings)),
    )


def _network(evaluation: Evaluation, name: str) -> Network:
    rows = [row for row in evaluation.results.rows if row.network == name]
    of = {metric: [row for row in rows if row.metric == metric] for metric in NAMES}
    drawn = [(metric, [row for row in of[metric] if row.system != SHUFFLED]) for metric in ("fad", "kad", "text", "audio", "tags")]
    return Network(
        name,
        evaluation.results.networks[name],
        tuple(of["fad"]),
        {row.system: row for row in of["kad"]},
        tuple(_chart(name, metric, shown) for metric, shown in drawn if shown),
        _curve(evaluation, name),
        tuple(row for metric in ("text", "audio", "tags") for row in rows if row.metric.split()[0] == metric),
    )


def _chart(network: str, metric: str, rows: Sequence[Row]) -> Markup:
    shown = [Interval(row.system, row.value, row.low, row.high, _figures(row), row.corrected, _null(row)) for row in rows]
    better = "higher is better" if metric in ("text", "audio") else "lower is better"
    said = "; ".join(f"{row.system} {row.value:.4g}" for row in rows)
    title = f"{NAMES[metric]} by {network}"
    return interval_chart(title, f"{better}: {said}", shown, f"{title} ({better})", zero=True)


def _figures(row: Row) -> str:
    said = [f"{row.value:.4g} as measured"]
    if row.null_mean is not None and row.null_high is not None:
        said.append(f"no difference: {row.null_mean:.4g}, 95 % below {row.null_high:.4g}")
    if row.low is not None and row.high is not None:
        said.append(f"95 % interval {row.low:.4g} to {row.high:.4g}")
    if row.corrected is not None:
        said.append(f"corrected {row.corrected:.4g}")
    return "; ".join(said)


def _null(row: Row) -> tuple[float, float] | None:
    return (row.null_mean, row.null_high) if row.null_mean is not None and row.null_high is not None else None


def _curve(evaluation: Evaluation, network: str) -> Markup | None:
    curves = [curve for curve in evaluation.results.curves if curve["network"] == network and len(curve["clips"]) > 1]
    if not curves:
        return None
    lines = [Line(curve["system"], SERIES[place % len(SERIES)], curve["clips"], curve["values"]) for place, curve in enumerate(curves)]
    return loss_curves(
        f"Distance against number of clips, {network}", "As measured, of sets of so many clips in the mean.", lines, "clips in the set"
    )


def _guarded(evaluation: Evaluation, heard: Heard) -> Guarded:
    results = evaluation.results
    bandwidths = [facts.bandwidth for facts in heard.facts.values()]
    return Guarded(
        heard.label,
        heard.chosen.source.uri,
        len(heard.facts),
        results.missing.get(heard.label, {}),
        results.dead[heard.label],
        len(heard.copies),
        results.warned[heard.label],
        next((row for row in results.rows if row.metric == "level" and row.system == heard.label), None),
        statistics.median(bandwidths) if bandwidths else None,
    )


def _player(heard: Heard, evaluation: Evaluation, key: str, share: float, mean: float) -> Player:
    said = "; ".join(heard.facts[key].said)
    return Player(key, heard.contents[key][:16], evaluation.pairing.prompts.get(key), share, share / mean, said)
