"""What an evaluation will take, before it runs: clips that are there and that are not, networks, embeddings to make, and time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from noise2music.core.device import one_thread
from noise2music.core.errors import RowError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store
from noise2music.evaluation.embedders.base import Embedder, load_embedder, weights_are_here
from noise2music.evaluation.embedders.clips import ClipEmbedding, Sound, embed_clips, is_kept
from noise2music.evaluation.evaluate import open_cache, plan_pairing
from noise2music.evaluation.pairing import Chosen
from noise2music.evaluation.protocol import Protocol, differences, read_protocol, scored_part
from noise2music.evaluation.reference import reference_of_statistics
from noise2music.evaluation.results import read_results
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.evaluation.sources import read_recordings
from noise2music.evaluation.statistics.frechet import frechet_distance, gaussian_of
from noise2music.flows.plan_captions import noted

SAMPLED = 20
"""Clips of each source that are decoded."""
_TIMED = 2


@dataclass(frozen=True)
class Decoded:
    """Of a source: sounds of the sample, how many of it are dead, and the seconds that reading took."""

    chosen: Chosen
    sounds: tuple[Sound, ...]
    dead: tuple[str, ...]
    taken: float

    @property
    def living(self) -> int:
        """Clips of the whole source that are taken to live."""
        return round(len(self.chosen.keys) * len(self.sounds) / max(1, len(self.sounds) + len(self.dead)))

    @property
    def seconds(self) -> float:
        """Of audio that a network will hear."""
        lengths = [len(sound.audio) / sound.sample_rate for sound in self.sounds]
        return self.living * sum(lengths) / max(1, len(lengths))


def plan_evaluate(settings: EvaluateSettings) -> dict[str, Any]:
    """{"systems": [a table each], "networks": [a table each], "problems": [a line each], and figures of the whole}.

    Up to SAMPLED clips of each source, chosen by hash, are decoded and scaled up; networks whose weights are here hear some of them.
    Nothing is written, nothing is fetched. "problems": what would stop the run.
    """
    problems: list[str] = []
    nobody: Protocol | None = None
    protocol = noted(problems, lambda: read_protocol(settings.protocol), nobody)
    pairing = noted(problems, lambda: plan_pairing(settings), None)
    chosen = (*pairing.systems, *((pairing.reference,) if pairing.reference else ())) if pairing else ()
    decoded = [_decode(item, protocol) for item in chosen] if protocol else []
    for item in decoded:
        if not item.sounds and len(item.dead) == len(item.chosen.keys):
            problems.append(f"no clip of {item.chosen.source.uri} can be heard: {item.dead[0]}")
    embedders = {name: noted(problems, partial(_load, name, settings.run.device), None) for name in settings.networks}
    loaded = [embedder for embedder in embedders.values() if embedder is not None]
    if protocol and pairing and pairing.reference is None:
        noted(problems, lambda: reference_of_statistics(settings.reference, loaded, protocol), None)
    for uri in settings.beside:
        earlier = noted(problems, partial(read_results, uri), None)
        wrong = differences(protocol, earlier.protocol) if earlier and protocol else []
        problems += [f"{uri} cannot stand beside these figures: {'; '.join(wrong)}"] if wrong else []
    cache = noted(problems, lambda: open_cache(settings.run.cache), None)
    draws = settings.permutations if pairing and pairing.reference else 0
    networks = [_network(name, embedder, decoded, cache, draws, len(settings.clips)) for name, embedder in embedders.items()]
    reading = sum(item.taken / max(1, len(item.sounds) + len(item.dead)) * len(item.chosen.keys) for item in decoded)
    hours = [sum(network[part] or 0.0 for network in networks) / 3600 for part in ("embedding_seconds", "null_seconds")]
    return {
        "clips": sum(len(item.keys) for item in chosen),
        "missing_clips": sum(len(item.missing) for item in chosen),
        "sampled_clips": sum(len(item.sounds) + len(item.dead) for item in decoded),
        "dead_in_sample": sum(len(item.dead) for item in decoded),
        "hours_of_audio_heard": round(sum(item.seconds for item in decoded) / 3600, 3),
        "null_draws": 2 * draws * len(settings.clips) * len(settings.networks),
        "reading_hours": round(reading / 3600, 4),
        "embedding_hours": round(hours[0], 4),
        "null_hours": round(hours[1], 4),
        "hours_by_workers": round((reading / 3600 + sum(hours)) / settings.run.workers, 4),
        "networks_to_fetch": sum(not network["weights_here"] for network in networks),
        "systems": [_system(item) for item in chosen],
        "networks": networks,
        "problems": problems,
    }


def _load(name: str, device: str) -> Embedder | None:
    """None where its weights would have to be fetched."""
    return load_embedder(name, device) if weights_are_here(name) else None


def _decode(chosen: Chosen, protocol: Protocol) -> Decoded:
    names = sorted(chosen.keys, key=lambda key: stable_id("plan", chosen.source.label, key))[:SAMPLED]
    sounds: list[Sound] = []
    dead: list[str] = []
    started = time.perf_counter()
    for key, read in islice(read_recordings(chosen.source, {key: chosen.keys[key] for key in sorted(names)}), len(names)):
        try:
            recording = read()
            sounds.append(Sound(key, scored_part(recording.audio, recording.rate, protocol), protocol.sample_rate))
        except RowError as error:
            dead.append(f"{key}: {error.reason}: {error.message}")
    return Decoded(chosen, tuple(sounds), tuple(dead), time.perf_counter() - started)


def _system(chosen: Chosen) -> dict[str, Any]:
    first = next(iter(chosen.missing.items()), None)
    return {
        "system": chosen.source.label,
        "place": chosen.source.uri,
        "clips": len(chosen.keys),
        "missing": len(chosen.missing),
        "first_missing": f"{first[0]}: {first[1]}" if first else None,
        "left_out": len(chosen.extra),
    }


def _network(
    name: str, embedder: Embedder | None, decoded: Sequence[Decoded], cache: Store | None, draws: int, systems: int
) -> dict[str, Any]:
    """What one network has yet to hear, and how long it takes here; None where only its weights could say."""
    found: dict[str, Any] = {"network": name, "weights_here": embedder is not None}
    unknown = dict.fromkeys(("embeddings_cached", "embeddings_to_make", "clips_per_second_and_worker", "embedding_seconds", "null_seconds"))
    if embedder is None:
        return found | unknown
    there = [sum(is_kept(sound, embedder, cache) for sound in item.sounds) / max(1, len(item.sounds)) for item in decoded]
    kept = sum(round(share * item.living) for share, item in zip(there, decoded, strict=True))
    living = sum(item.living for item in decoded)
    sounds = [sound for item in decoded for sound in item.sounds]
    rate, rows = _hear(embedder, sounds)
    draw = 0.0
    if draws and rows and decoded:
        theirs = decoded[-1].living
        draw = sum(_draw_seconds(rows * (item.living + theirs) / 2, embedder.dimension) for item in decoded[:systems])
    return found | {
        "embeddings_cached": kept,
        "embeddings_to_make": living - kept,
        "clips_per_second_and_worker": round(rate, 2),
        "embedding_seconds": round((living - kept) / rate, 1) if rate else None,
        "null_seconds": round(2 * draws * draw, 1),
    }


def _hear(embedder: Embedder, sounds: Sequence[Sound]) -> tuple[float, float]:
    """(clips a second, rows a clip) of a few clips; the first one also loads what the others need."""
    step = max(1, len(sounds) // _TIMED)
    timed = [sounds[0], *sounds[::step][:_TIMED]] if sounds else []
    rows, started = 0, 0.0
    for number, sound in enumerate(timed):
        if number == 1:
            started = time.perf_counter()
        heard = [len(item.rows) for item in embed_clips([sound], embedder, None) if isinstance(item, ClipEmbedding)]
        rows += sum(heard) if number else 0
    taken = time.perf_counter() - started
    clips = len(timed) - 1
    return (clips / max(taken, 1e-9), rows / clips) if clips > 0 else (0.0, 0.0)


def _draw_seconds(rows: float, dimension: int) -> float:
    """A distance of two sets of so many rows, of random numbers. Beyond 4 rows a dimension the time grows with the rows."""
    number = max(2, min(round(rows), 4 * dimension))
    random = np.random.default_rng(0)
    first, second = (random.standard_normal((number, dimension), np.float32) for _ in range(2))
    with one_thread():
        started = time.perf_counter()
        frechet_distance(gaussian_of(first), gaussian_of(second))
        return (time.perf_counter() - started) * max(1.0, rows / number)
