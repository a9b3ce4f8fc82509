"""An evaluation from its settings: sources are paired, heard by every network, measured, and become results."""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from noise2music.core.device import one_thread
from noise2music.core.errors import UserError
from noise2music.core.storage import Store, open_store
from noise2music.evaluation.embedders.base import Embedder
from noise2music.evaluation.embedders.clips import default_cache
from noise2music.evaluation.hearing import Heard, hear
from noise2music.evaluation.measure import REFERENCE, SHUFFLED, Measured, level_row, measure_distances, measure_similarity, measure_tags
from noise2music.evaluation.pairing import Chosen, Pairing, pair
from noise2music.evaluation.protocol import Protocol
from noise2music.evaluation.reference import Reference, is_statistics, reference_of_clips, reference_of_statistics
from noise2music.evaluation.results import Results, Row, check_comparable, read_results, rounded
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.evaluation.sources import open_source, split_labels
from noise2music.evaluation.statistics.clip_rows import ClipRows

log = logging.getLogger("n2m")

_SHOWN = 3


@dataclass(frozen=True)
class Evaluation:
    """results: the figures. protocol, reference: what they are of. heard: by system, in the order given, the reference last where it has
    clips. pairing: who belongs to whom. shares: network -> system -> key -> share of the distance.
    """

    results: Results
    protocol: Protocol
    reference: Reference
    heard: tuple[Heard, ...]
    pairing: Pairing
    shares: Mapping[str, Mapping[str, Mapping[str, float]]]


def plan_pairing(settings: EvaluateSettings) -> Pairing:
    """What would be compared with what, listed, not decoded. Raises UserError."""
    named = split_labels(settings.clips)
    labels = [label for label, _ in named]
    for reserved in (REFERENCE, SHUFFLED):
        if reserved in labels:
            raise UserError(f"a system cannot be called {reserved!r}. Name it: LABEL={named[labels.index(reserved)][1]}")
    systems = [open_source(label, uri) for label, uri in named]
    reference = None if is_statistics(settings.reference) else open_source(REFERENCE, settings.reference)
    return pair(systems, reference, settings.prompts, settings.pairs, settings.reference_clips)


def evaluate(settings: EvaluateSettings, protocol: Protocol, embedders: Sequence[Embedder], pairing: Pairing) -> Evaluation:
    """The figures. They depend on the clips, the protocol, the networks and `permutations`, `groups` and `seed`, and on nothing else.

    Raises UserError: see `reference_of_clips`, `reference_of_statistics`, `check_comparable`; and where not one clip of a system lives.
    """
    with one_thread():
        names = [embedder.name for embedder in embedders]
        known = reference_of_statistics(settings.reference, embedders, protocol) if pairing.reference is None else None
        cache = open_cache(settings.run.cache)
        heard = [_hear(chosen, protocol, embedders, cache, settings.run.workers) for chosen in _chosen(pairing)]
        systems, theirs = heard[: len(pairing.systems)], heard[len(pairing.systems) :]
        for item in systems:
            if not item.facts:
                key, error = next(iter(item.dead.items()))
                raise UserError(f"no clip of {item.chosen.source.uri} can be heard: {key}: {error.reason}: {error.message}.")
        name = settings.reference.rstrip("/").rsplit("/", 1)[-1]
        reference = known or reference_of_clips(theirs[0], names, name)
        identities = {embedder.name: embedder.identity for embedder in embedders}
        beside = _beside(settings.beside, protocol, identities, reference)
        measured = _measure(settings, embedders, systems, reference, pairing.prompts)
    rows = [row for part in measured for row in part.rows]
    rows += [level_row(item.label, [facts.level for facts in item.facts.values()]) for item in heard]
    stamped = [
        replace(
            rounded(row),
            identity=identities.get(row.network, ""),
            reference=f"{reference.name} {reference.digest[:12]}",
            reference_clips=reference.clips,
            protocol=f"{protocol.name} {protocol.digest}",
        )
        for row in rows
    ]
    said = [*pairing.said, *reference.said, *_sameness(systems, theirs), *(text for part in measured for text in part.said)]
    results = Results(
        rows=tuple(sorted((*stamped, *beside), key=lambda row: (row.network, row.metric, row.system))),
        curves=tuple(curve for part in measured for curve in part.curves),
        dead={item.label: _dead(item) for item in heard},
        missing={chosen.source.label: dict(chosen.missing) for chosen in _chosen(pairing)},
        copies={item.label: dict(item.copies) for item in heard},
        warned={item.label: {key: "; ".join(facts.said) for key, facts in item.facts.items() if facts.said} for item in heard},
        said=tuple(dict.fromkeys(said)),
        protocol=protocol.as_record(),
        networks=identities,
        reference=reference.as_record(),
    )
    shares: dict[str, dict[str, Mapping[str, float]]] = {name: {} for name in names}
    for part in measured:
        for curve in part.curves:
            shares[curve["network"]] |= part.shares
    return Evaluation(results, protocol, reference, tuple(heard), pairing, shares)


def open_cache(cache: str | None) -> Store | None:
    """Where embeddings are kept: a folder or URI, None for the user's cache, "" for nowhere."""
    return default_cache() if cache is None else open_store(cache) if cache else None


def _chosen(pairing: Pairing) -> tuple[Chosen, ...]:
    return (*pairing.systems, *((pairing.reference,) if pairing.reference else ()))


def _hear(chosen: Chosen, protocol: Protocol, embedders: Sequence[Embedder], cache: Store | None, workers: int) -> Heard:
    found = hear(chosen, protocol, embedders, cache, workers)
    named = [f"{key}: {error.reason}" for key, error in found.dead.items()]
    dead = f"; {len(named):,} dead ({', '.join(named[:_SHOWN])}{', ...' if len(named) > _SHOWN else ''})" if named else ""
    log.info("%s: %s clips heard%s", found.label, f"{len(found.facts):,}", dead)
    return found


def _measure(
    settings: EvaluateSettings,
    embedders: Sequence[Embedder],
    systems: Sequence[Heard],
    reference: Reference,
    prompts: Mapping[str, str],
) -> list[Measured]:
    """Everything by every network, side by side: each figure is computed on one thread."""

    def living(network: str) -> dict[str, ClipRows]:
        return {item.label: rows for item in systems if (rows := item.rows[network]) is not None}

    with ThreadPoolExecutor(settings.run.workers) as pool:
        waiting: list[Future[Measured]] = []
        silent = Measured()
        for embedder in embedders:
            yardstick = reference.yardsticks[embedder.name]
            clips = living(embedder.name)
            unheard = [item.label for item in systems if item.label not in clips]
            silent.said += [f"{embedder.name} hears no clip of {label}: see the dead clips" for label in unheard]
            waiting += [pool.submit(measure_distances, label, rows, yardstick, embedder.name, settings) for label, rows in clips.items()]
            waiting.append(pool.submit(measure_similarity, embedder, clips, yardstick.clips, prompts, settings))
            waiting.append(pool.submit(measure_tags, embedder, clips, yardstick.clips))
        return [silent, *(item.result() for item in waiting)]


def _beside(uris: Sequence[str], protocol: Protocol, identities: Mapping[str, str], reference: Reference) -> list[Row]:
    """Rows of earlier results, those of their systems."""
    rows: list[Row] = []
    for uri in uris:
        there = read_results(uri)
        check_comparable(uri, there, protocol, identities, reference.as_record())
        rows += [row for row in there.rows if row.system not in (REFERENCE, SHUFFLED) and (row.network in identities or not row.network)]
    return rows


def _dead(heard: Heard) -> dict[str, str]:
    dead = {key: f"{error.reason}: {error.message}" for key, error in heard.dead.items()}
    for network, errors in heard.deaf.items():
        for key, error in errors.items():
            said = f"{error.reason}: {network}: {error.message}"
            dead[key] = f"{dead[key]}; {said}" if key in dead else said
    return dict(sorted(dead.items()))


def _sameness(systems: Sequence[Heard], reference: Sequence[Heard]) -> list[str]:
    """Clips that are there more than once, within a set and in two."""
    said = []
    for item in (*systems, *reference):
        if item.copies:
            pairs = [f"{key} = {first}" for key, first in item.copies.items()]
            kept = len(item.facts) - len(item.copies)
            said.append(
                f"{item.label}: {len(pairs):,} clips are copies of another ({', '.join(pairs[:_SHOWN])}): of {len(item.facts):,} "
                f"clips {kept:,} are different"
            )
    sets = [*systems, *reference]
    for place, item in enumerate(sets):
        for other in sets[place + 1 :]:
            shared = set(item.contents.values()) & set(other.contents.values())
            if shared:
                said.append(f"{item.label} and {other.label} have {len(shared):,} clips in common: a distance between them says little")
    return said
