"""What one network says of the systems: distances, similarities and tags, each with its uncertainty."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from noise2music.core.arrays import Float32s, Float64s
from noise2music.evaluation.embedders.base import Embedder
from noise2music.evaluation.results import Row
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.evaluation.statistics.clip_rows import ClipRows, effective_rows, hash_order
from noise2music.evaluation.statistics.frechet import Gaussian, gaussian_of
from noise2music.evaluation.statistics.jackknife import Estimate, frechet_estimate, mean_estimate
from noise2music.evaluation.statistics.kernel import kernel_distance
from noise2music.evaluation.statistics.permutation import Null, null_of, splits
from noise2music.evaluation.statistics.shares import clip_shares
from noise2music.evaluation.statistics.similarity import Similarity, pair_similarity, strangers_mean, tag_divergences
from noise2music.evaluation.statistics.subsets import part_distances, subset_distances

ENOUGH = 4
"""Effective rows a dimension, below which a corrected distance is not to be trusted (docs/evaluation.md)."""
REFERENCE, SHUFFLED = "reference", "reference, shuffled"
_CURVE = 6
_CURVE_DRAWS = 4


@dataclass(frozen=True)
class Yardstick:
    """What the systems are compared with by one network. clips: None where only statistics are known. stated: rows that these say they
    are from, 0 where they say nothing.
    """

    gaussian: Gaussian
    clips: ClipRows | None
    stated: int = 0


@dataclass
class Measured:
    """rows: figures. curves: one a system. shares: system -> key -> share of the distance. said: what could not be measured, and why."""

    rows: list[Row] = field(default_factory=list)
    curves: list[dict[str, Any]] = field(default_factory=list)
    shares: dict[str, dict[str, float]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def measure_distances(label: str, clips: ClipRows, yardstick: Yardstick, network: str, settings: EvaluateSettings) -> Measured:
    """FAD, KAD, the curve over clips and every clip's share, of one system by one network."""
    made = Measured()
    if clips.clips < 2:
        made.said.append(f"{label}, {network}: a distance needs 2 clips or more, and there is {clips.clips}")
        return made
    estimate = frechet_estimate(clips, yardstick.clips or yardstick.gaussian, settings.groups)
    effective = effective_rows(clips)
    theirs = effective_rows(yardstick.clips) if yardstick.clips else yardstick.stated or None
    enough = effective >= ENOUGH * clips.dimension and (theirs is None or theirs >= ENOUGH * clips.dimension)
    null = None
    if yardstick.clips is not None and settings.permutations:
        drawn = splits(clips.keys, yardstick.clips.keys, settings.permutations, settings.seed)
        null = null_of(estimate.value, part_distances(clips, yardstick.clips, drawn))
    size: dict[str, Any] = {"clips": clips.clips, "rows": len(clips.rows), "effective": effective, "dimension": clips.dimension}
    rank = gaussian_of(clips.rows).rank
    made.rows.append(_row(label, network, "fad", estimate, null, **size, rank=rank, enough=bool(enough)))
    if yardstick.clips is not None:
        kernel = kernel_distance(clips, yardstick.clips, settings.permutations, settings.groups, settings.seed)
        if kernel is not None:
            made.rows.append(_row(label, network, "kad", kernel.estimate, kernel.null, **size, bandwidth=kernel.bandwidth))
    made.curves.append({"system": label, "network": network, **_curve(clips, yardstick.gaussian)})
    made.shares[label] = dict(zip(clips.keys, clip_shares(clips, yardstick.gaussian).tolist(), strict=True))
    return made


def _curve(clips: ClipRows, reference: Gaussian) -> dict[str, list[float]]:
    """Numbers of clips, and the mean distance of sets of so many."""
    order = hash_order(clips.keys, 1)
    sizes = sorted({max(2, round(clips.clips * 2 ** (-step / 2))) for step in range(_CURVE)})
    values = []
    for size in sizes:
        sets = [order[start : start + size] for start in range(0, clips.clips - size + 1, size)][:_CURVE_DRAWS]
        values.append(float(f"{subset_distances(clips, sets, reference).mean():.6g}"))
    return {"clips": [float(size) for size in sizes], "values": values}


def measure_similarity(
    embedder: Embedder,
    systems: Mapping[str, ClipRows],
    reference: ClipRows | None,
    prompts: Mapping[str, str],
    settings: EvaluateSettings,
) -> Measured:
    """By a network that knows text: clips to their prompts, clips to their references, and what the references have themselves."""
    made = Measured()
    scorer = getattr(embedder, "scorer", None)
    if embedder.unit != "clip" or scorer is None:
        return made
    keys = sorted({key for clips in (*systems.values(), reference) if clips for key in clips.keys} & prompts.keys())
    texts: dict[str, Float32s] = {}
    if keys:
        wanted = sorted({prompts[key] for key in keys})
        texts = dict(zip(wanted, np.asarray(scorer.embed_text(wanted).joint_embeddings, np.float32), strict=True))
    there = _vectors(reference) if reference else {}
    for label, clips in (*systems.items(), *(((REFERENCE, reference),) if reference else ())):
        own = _vectors(clips)
        with_text = [key for key in own if key in prompts]
        if with_text:
            audio, text = np.stack([own[key] for key in with_text]), np.stack([texts[prompts[key]] for key in with_text])
            made.rows += _similarity_rows(label, embedder, "text", pair_similarity(audio, text, settings.permutations, settings.seed))
            if label == REFERENCE:
                made.rows += _strangers_row(embedder, "text", audio, text)
        with_reference = [key for key in own if key in there]
        if with_reference and label != REFERENCE:
            audio, target = (np.stack([vectors[key] for key in with_reference]) for vectors in (own, there))
            made.rows += _similarity_rows(label, embedder, "audio", pair_similarity(audio, target, settings.permutations, settings.seed))
        elif label == REFERENCE and set(there) & set(prompts):
            audio = np.stack([there[key] for key in there if key in prompts])
            made.rows += _strangers_row(embedder, "audio", audio, audio)
    return made


def measure_tags(embedder: Embedder, systems: Mapping[str, ClipRows], reference: ClipRows | None) -> Measured:
    """By a network with posteriors of tags: how far those of a clip are from those of its reference."""
    made = Measured()
    posteriors: Callable[[Float32s], Float32s] | None = getattr(embedder, "posteriors", None)
    if posteriors is None or reference is None:
        return made
    there = _means(posteriors(reference.rows), reference)
    for label, clips in systems.items():
        own = _means(posteriors(clips.rows), clips)
        keys = [key for key in own if key in there]
        if not keys:
            continue
        apart = tag_divergences(np.stack([there[key] for key in keys]), np.stack([own[key] for key in keys]))
        strangers = float((apart.sum() - np.trace(apart)) / (len(keys) * (len(keys) - 1))) if len(keys) > 1 else None
        made.rows.append(_row(label, embedder.name, "tags", mean_estimate(np.diagonal(apart)), None, clips=len(keys), null_mean=strangers))
    return made


def level_row(label: str, levels: Sequence[float]) -> Row:
    """The mean level of a system's clips, dBFS: alone it moves a distance."""
    return _row(label, "", "level", mean_estimate(np.array(levels)), None, clips=len(levels))


def _similarity_rows(label: str, embedder: Embedder, metric: str, found: Similarity) -> list[Row]:
    own = _row(label, embedder.name, metric, found.own, found.null, clips=found.pairs, dimension=embedder.dimension)
    top = [
        _row(label, embedder.name, f"{metric} top {place}", share, None, clips=found.pairs, null_mean=place / found.pairs)
        for place, share in found.top.items()
    ]
    return [own, *top]


def _strangers_row(embedder: Embedder, metric: str, clips: Float32s, targets: Float32s) -> list[Row]:
    mean = strangers_mean(clips, targets)
    return [] if mean is None else [Row(SHUFFLED, embedder.name, metric, mean, clips=len(clips), dimension=embedder.dimension)]


def _row(label: str, network: str, metric: str, estimate: Estimate, null: Null | None, **more: Any) -> Row:
    if null is not None:
        more |= {"null_mean": null.mean, "null_high": null.high, "p": null.p}
    row = Row(label, network, metric, estimate.value, estimate.corrected, estimate.error, estimate.low, estimate.high)
    return replace(row, **more)


def _vectors(clips: ClipRows) -> dict[str, Float32s]:
    return dict(zip(clips.keys, clips.rows, strict=True))


def _means(rows: Float32s, clips: ClipRows) -> dict[str, Float64s]:
    return dict(zip(clips.keys, ClipRows(clips.keys, rows, clips.counts).clip_means(), strict=True))
