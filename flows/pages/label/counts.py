"""One pass over all clips, part by part: every count of the report. What is kept between parts does not grow with the number of clips."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from noise2music.core.ids import Uint64s, ids_to_uint64
from noise2music.core.tally import most_common_first
from noise2music.flows.datasets import LabelDatasets, VocabularyDatasets
from noise2music.flows.pages.label.scores import BINS, count_scores
from noise2music.labeling.stages.null import keep_smallest

Int64s = npt.NDArray[np.int64]

_MOST_TAGS = 1 << 16


class CaptionRows:
    """Finds captions by id: rows of the vocabulary in part order."""

    def __init__(self, caption_ids: pa.ChunkedArray) -> None:
        ids = ids_to_uint64(caption_ids)
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]

    def __len__(self) -> int:
        return len(self._sorted)

    def find(self, caption_ids: pa.Array | pa.ChunkedArray) -> Int64s:
        """Rows of these captions. Raises ValueError for one that the vocabulary does not have."""
        ids = ids_to_uint64(caption_ids)
        at = np.minimum(np.searchsorted(self._sorted, ids), max(0, len(self) - 1))
        if len(ids) and (not len(self) or (self._sorted[at] != ids).any()):
            raise ValueError("a caption id is not in the vocabulary: these datasets do not belong together")
        return self._order[at].astype(np.int64)


@dataclass
class VocabularyCounts:
    """labels (V,): how often each caption is a label. The histograms are those of scores.count_scores. searched: clips with a candidate."""

    labels: Int64s
    best: Int64s = field(default_factory=lambda: np.zeros(BINS, np.int64))
    drawn: Int64s = field(default_factory=lambda: np.zeros(BINS, np.int64))
    null: Int64s = field(default_factory=lambda: np.zeros(BINS, np.int64))
    searched: int = 0


@dataclass
class Counts:
    """recordings, clips: those with an embedding. searched, labelled: clips with a candidate, with a label, of any vocabulary.

    The tag counts are of clips and labels. shown: the clips to be shown, by part.
    """

    vocabularies: dict[str, VocabularyCounts]
    recordings: int = 0
    clips: int = 0
    searched: int = 0
    labelled: int = 0
    milliseconds: int = 0
    tag_clips: Counter[str] = field(default_factory=Counter)
    tag_labelled: Counter[str] = field(default_factory=Counter)
    tag_labels: Counter[str] = field(default_factory=Counter)
    shown: dict[int, list[str]] = field(default_factory=dict)


def count_all(datasets: LabelDatasets, captions: Mapping[str, CaptionRows], seed: int, shown: int) -> Counts:
    """Count everything once. `captions` by vocabulary; the `shown` clips with the smallest hash of (seed, clip) are kept."""
    result = Counts({name: VocabularyCounts(np.zeros(len(rows), np.int64)) for name, rows in captions.items()})
    kept_ids, kept_part = np.zeros(0, np.uint64), np.zeros(0, np.int64)
    for part in datasets.embed.parts:
        clips = datasets.embed.read_part(part, ["clip_id", "track_id", "length_ms"])
        ids = ids_to_uint64(clips.column("clip_id"))
        order = np.argsort(ids)
        labels, candidates = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.int64)
        for name, vocabulary in datasets.vocabularies.items():
            searched, found, drawn = _count_part(vocabulary, part, captions[name], result.vocabularies[name])
            place, known = _find(ids[order], searched)
            candidates[order[place[known]]] += found[known]
            labels[order[place[known]]] += drawn[known]
        result.recordings += len(pc.unique(clips.column("track_id")))
        result.clips += len(ids)
        result.searched += int((candidates > 0).sum())
        result.labelled += int((labels > 0).sum())
        result.milliseconds += int(pc.sum(clips.column("length_ms")).as_py() or 0)
        _count_tags(datasets, part, ids[order], labels[order], result)
        kept_ids = np.concatenate([kept_ids, ids])
        kept_part = np.concatenate([kept_part, np.full(len(ids), part)])
        chosen = keep_smallest(kept_ids, seed, shown)
        kept_ids, kept_part = kept_ids[chosen], kept_part[chosen]
    for name, vocabulary in datasets.vocabularies.items():
        for table in vocabulary.null.tables(["score"]) if vocabulary.null else ():
            result.vocabularies[name].null += count_scores(table.column("score").to_numpy())
    for clip, place_of in zip(kept_ids, kept_part, strict=True):
        result.shown.setdefault(int(place_of), []).append(f"{int(clip):016x}")
    return result


def _count_part(vocabulary: VocabularyDatasets, part: int, rows: CaptionRows, into: VocabularyCounts) -> tuple[Uint64s, Int64s, Int64s]:
    """Count one part of one vocabulary; its clips' ids and how many candidates and labels each has. Both datasets have the same rows."""
    scores = vocabulary.retrieve.read_part(part, ["scores"]).column("scores").combine_chunks()
    candidates = pc.list_value_length(scores).to_numpy()
    flat = pc.list_flatten(scores).to_numpy()
    there = candidates > 0
    into.best += count_scores(flat[(np.cumsum(candidates) - candidates)[there]])
    into.searched += int(there.sum())
    sampled = vocabulary.sample.read_part(part, ["clip_id", "labels.list.element.caption_id", "labels.list.element.score"])
    labels = sampled.column("labels").combine_chunks()
    drawn = pc.list_flatten(labels)
    into.labels += np.bincount(rows.find(pc.struct_field(drawn, "caption_id")), minlength=len(rows))
    into.drawn += count_scores(pc.struct_field(drawn, "score").to_numpy())
    return ids_to_uint64(sampled.column("clip_id")), candidates.astype(np.int64), pc.list_value_length(labels).to_numpy().astype(np.int64)


def _count_tags(datasets: LabelDatasets, part: int, ids: Uint64s, labels: Int64s, into: Counts) -> None:
    """Tags of one part's tracks, counted once a clip that was scored. `ids` ascending with `labels` beside them."""
    if datasets.ingest is None:
        return
    tracks = datasets.ingest.read_part(part, ["tags", "clips.list.element.clip_id"])
    clips = tracks.column("clips").combine_chunks()
    place, known = _find(ids, ids_to_uint64(pc.struct_field(pc.list_flatten(clips), "clip_id")))
    track = np.repeat(np.arange(len(tracks)), pc.list_value_length(clips).to_numpy())[known]
    given = labels[place[known]]
    per_track = [np.bincount(track, weight, len(tracks)) for weight in (np.ones(len(track)), given > 0, given)]
    tags = tracks.column("tags").combine_chunks()
    pairs = (
        pa.table({"track": pc.list_parent_indices(tags), "tag": pc.list_flatten(tags)}).drop_null().group_by(["track", "tag"]).aggregate([])
    )
    owner, coded = pairs.column("track").to_numpy(), pairs.column("tag").combine_chunks().dictionary_encode()
    names, codes = coded.dictionary.to_pylist(), coded.indices.to_numpy()
    for counter, amounts in zip((into.tag_clips, into.tag_labelled, into.tag_labels), per_track, strict=True):
        sums = np.bincount(codes, amounts[owner], len(names)).astype(int).tolist()
        counter.update(dict(zip(names, sums, strict=True)))
    if len(into.tag_clips) > _MOST_TAGS:
        _forget_rare_tags(into)


def _forget_rare_tags(into: Counts) -> None:
    kept = set(list(most_common_first(into.tag_clips))[: _MOST_TAGS // 2])
    for counter in (into.tag_clips, into.tag_labelled, into.tag_labels):
        for tag in counter.keys() - kept:
            del counter[tag]


def _find(ascending: Uint64s, wanted: Uint64s) -> tuple[Int64s, npt.NDArray[np.bool_]]:
    """Where each wanted id is among ascending ones, and whether it is there at all."""
    place = np.searchsorted(ascending, wanted)
    inside = np.minimum(place, max(0, len(ascending) - 1))
    known = ascending[inside] == wanted if len(ascending) else np.zeros(len(wanted), bool)
    return inside.astype(np.int64), known
