"""Finished datasets -> everything that the report shows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from noise2music.core.tally import most_common_first
from noise2music.flows.datasets import LabelDatasets, VocabularyDatasets
from noise2music.flows.pages.label.account import account
from noise2music.flows.pages.label.contents import CaptionUse, Curve, DatasetRow, LabelReport, ScorerReport, TagCoverage, VocabularyReport
from noise2music.flows.pages.label.counts import CaptionRows, Counts, VocabularyCounts, count_all
from noise2music.flows.pages.label.dead import dead_counts, dead_letters, excluded_tracks, warnings
from noise2music.flows.pages.label.funnel import captions_funnel, recordings_funnel
from noise2music.flows.pages.label.samples import MakePreview, preview_flac, read_clips, shorten
from noise2music.flows.pages.label.scores import score_report
from noise2music.flows.pages.label.writing import cleaning_report, writing_report
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.retrieval.distribution import cdf_points, describe

Int64s = npt.NDArray[np.int64]

TOP_CAPTIONS = 50
MOST_TAGS = 60
STARTER = "starter"
STARTER_CAVEAT = (
    "These labels come from the built-in starter scorer. Trust its instruments and genres, most of all piano, synthesizer, drum machine, "
    "cello, guitar and electronic. Do not trust mood or tempo: there it is no better than chance, and long captions carry details that "
    "it cannot hear. For training data choose a CLAP model."
)


def gather_report(
    datasets: LabelDatasets,
    title: str,
    scorer: str,
    seed: int,
    clips: int,
    configuration: Mapping[str, Any],
    preview: MakePreview = preview_flac,
) -> LabelReport:
    """Count everything once, part by part, and read what the page shows.

    scorer: its name for people. seed: decides which `clips` clips are shown (ReportSettings.clips). configuration: the resolved
    settings. preview: FLAC bytes -> what is heard and seen of a clip. Memory: one part, the vocabularies, the shown clips.
    Raises ValueError when the datasets do not belong together.
    """
    _check_parts(datasets)
    texts = {name: vocabulary.embed_text.read(["caption_id", "caption"]) for name, vocabulary in datasets.vocabularies.items()}
    rows = {name: CaptionRows(table.column("caption_id")) for name, table in texts.items()}
    counted = count_all(datasets, rows, seed, clips)
    vocabularies = tuple(
        _vocabulary(name, vocabulary, texts[name].column("caption"), rows[name], counted.vocabularies[name], configuration)
        for name, vocabulary in datasets.vocabularies.items()
    )
    excluded, excluded_counts = excluded_tracks(datasets.ingest)
    return LabelReport(
        title=shorten(title),
        scorer=ScorerReport(scorer, datasets.embed.manifest.device, STARTER_CAVEAT if scorer == STARTER else ""),
        recordings=counted.recordings,
        clips=counted.clips,
        labelled=counted.labelled,
        labels=sum(vocabulary.labels for vocabulary in vocabularies),
        seconds=counted.milliseconds / 1000,
        funnel=recordings_funnel(datasets, counted),
        writing=writing_report(datasets.songs, datasets.write, configuration),
        vocabularies=vocabularies,
        tags=_tags(counted),
        shown=read_clips(datasets, counted.shown, preview),
        excluded=excluded,
        excluded_counts=excluded_counts,
        dead_letters=dead_letters(datasets.all()),
        dead_counts=dead_counts(datasets.all()),
        account=account(datasets),
        warnings=warnings(datasets.all()),
        datasets=tuple(_dataset_row(dataset) for dataset in datasets.all()),
        configuration=dict(configuration),
    )


def _check_parts(datasets: LabelDatasets) -> None:
    followed = [
        datasets.ingest,
        datasets.audio,
        datasets.shard,
        *(d for v in datasets.vocabularies.values() for d in (v.retrieve, v.sample)),
    ]
    for dataset in followed:
        if dataset is not None and len(dataset.parts) != len(datasets.embed.parts):
            raise ValueError(f"{dataset.stage} {dataset.name} has {len(dataset.parts)} parts, embed {len(datasets.embed.parts)}")


def _vocabulary(
    name: str,
    datasets: VocabularyDatasets,
    captions: Any,
    rows: CaptionRows,
    counted: VocabularyCounts,
    configuration: Mapping[str, Any],
) -> VocabularyReport:
    frequency = np.zeros(len(rows), np.int64)
    for table in datasets.count.tables():
        frequency[rows.find(table.column("caption_id"))] = table.column("frequency").to_numpy()
    top = np.lexsort((np.arange(len(rows)), -frequency))[:TOP_CAPTIONS]
    stats = datasets.retrieve.manifest.stats
    histograms = {"random pairs": counted.null, "best candidate": counted.best, "labels": counted.drawn}
    return VocabularyReport(
        name=name,
        clips=counted.searched,
        candidates=int(frequency.sum()),
        labels=int(counted.labels.sum()),
        collapsed=int(stats.get("collapsed", 0)),
        recall=stats["recall_found"] / stats["recall_clips"] if stats.get("recall_clips") else None,
        funnel=captions_funnel(datasets, counted, int((frequency > 0).sum())),
        before=describe(frequency),
        after=describe(counted.labels),
        before_curve=_curve(frequency),
        after_curve=_curve(counted.labels),
        top=tuple(CaptionUse(shorten(captions[i].as_py()), int(frequency[i]), int(counted.labels[i])) for i in top if frequency[i]),
        scores=score_report(histograms, labels="labels", null="random pairs"),
        cleaning=cleaning_report(datasets.vocabulary, configuration),
    )


def _curve(counts: Int64s) -> Curve:
    ranks, shares = cdf_points(counts)
    return Curve(tuple(ranks.tolist()), tuple(shares.tolist()))


def _tags(counted: Counts) -> tuple[TagCoverage, ...]:
    labels = max(1, int(sum(vocabulary.labels.sum() for vocabulary in counted.vocabularies.values())))
    commonest = list(most_common_first(counted.tag_clips).items())[:MOST_TAGS]
    return tuple(
        TagCoverage(shorten(tag), clips, counted.tag_labelled[tag], counted.tag_labels[tag], counted.tag_labels[tag] / labels)
        for tag, clips in commonest
        if clips
    )


def _dataset_row(dataset: Dataset) -> DatasetRow:
    manifest = dataset.manifest
    return DatasetRow(
        stage=dataset.stage,
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        rows=manifest.rows,
        dead=manifest.dead_rows,
        parts=len(manifest.parts),
        bytes=manifest.size,
        seconds=round(manifest.seconds, 3),
        device=manifest.device,
        changed=manifest.changed,
    )
