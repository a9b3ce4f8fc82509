"""What is left after each step, and the reason for everything that is not."""

from collections.abc import Mapping

from noise2music.flows.datasets import LabelDatasets, VocabularyDatasets
from noise2music.flows.pages.label.contents import FunnelStep, Loss
from noise2music.flows.pages.label.counts import Counts, VocabularyCounts

_REASONS = {
    "audio_copy": "the same recording in another file",
    "duplicate": "exact copy of another file",
    "leak": "copy of a recording in another split",
    "licence": "licence not allowed",
    "near_copy": "nearly the same recording in another file",
    "no_split": "no split known, though there is a column of splits",
    "opted_out": "on the opt-out list, or a copy of what is",
    "too_short": "too short for a clip",
}
CAPTION_REASONS = {"duplicate": "says the same as another"}
"""Where a caption is lost for another reason than a file of the same word."""
UNEXPLAINED = "no reason recorded"


def say(reason: str) -> str:
    """Why a file, track or clip was lost, in words."""
    return _REASONS.get(reason, reason.replace("_", " "))


def recordings_funnel(datasets: LabelDatasets, counts: Counts) -> tuple[FunnelStep, ...]:
    """From the files that were found to the clips in the training shards. Steps whose dataset is not there are left out."""
    steps: list[FunnelStep] = []
    if datasets.inventory is not None:
        manifest = datasets.inventory.manifest
        ignored = manifest.counted("ignored:")
        found = manifest.rows + manifest.dead_rows + sum(ignored.values())
        steps.append(FunnelStep("Files found", found, "files", note=_metadata_note(manifest.stats)))
        unheard = {f"no audio by its name ({', '.join(sorted(ignored))})": sum(ignored.values())}
        _add(steps, "Audio files", manifest.rows, "files", {**unheard, **manifest.dead_reasons})
    if datasets.probe is not None:
        _add(steps, "Readable recordings", datasets.probe.manifest.rows, "files", datasets.probe.manifest.dead_reasons)
    if datasets.ingest is not None:
        manifest = datasets.ingest.manifest
        excluded = manifest.excluded
        _add(steps, "Recordings kept", manifest.rows - sum(excluded.values()), "files", {**excluded, **manifest.dead_reasons})
        steps.append(FunnelStep("Clips cut", int(manifest.stats.get("clips", 0)), "clips"))
    _add(steps, "Clips scored", counts.clips, "clips", datasets.embed.manifest.dead_reasons)
    unlabelled = {
        "split that may not be labelled": counts.clips - counts.searched,
        "every candidate below the floor": counts.searched - counts.labelled,
    }
    _add(steps, "Clips with a label", counts.labelled, "clips", unlabelled)
    if datasets.shard is not None:
        manifest = datasets.shard.manifest
        silent = {"audio could not be encoded (dead in audio)": int(manifest.stats.get("no_audio", 0))}
        _add(steps, "Clips in training shards", manifest.rows, "clips", {**silent, **manifest.dead_reasons})
    return tuple(steps)


def captions_funnel(datasets: VocabularyDatasets, counts: VocabularyCounts, candidates_used: int) -> tuple[FunnelStep, ...]:
    """From the captions that were read to those that became a label. candidates_used: captions that are a candidate of any clip."""
    vocabulary = datasets.vocabulary.manifest
    lost = {CAPTION_REASONS.get(reason, reason): number for reason, number in vocabulary.counted("lost:").items()}
    steps = [FunnelStep("Captions read", int(vocabulary.stats.get("read", vocabulary.rows + sum(lost.values()))), "captions")]
    _add(steps, "Captions kept", vocabulary.rows, "captions", {**lost, **vocabulary.dead_reasons})
    _add(steps, "Captions embedded", datasets.embed_text.manifest.rows, "captions", datasets.embed_text.manifest.dead_reasons)
    _add(steps, "Candidates of a clip", candidates_used, "captions", {"near no clip": steps[-1].count - candidates_used})
    used = int((counts.labels > 0).sum())
    _add(steps, "Used as a label", used, "captions", {"not drawn": candidates_used - used})
    return tuple(steps)


def _add(steps: list[FunnelStep], name: str, count: int, unit: str, losses: Mapping[str, int]) -> None:
    """Append a step. What the reasons do not explain is shown as such instead of hidden."""
    listed = [Loss(say(reason), number) for reason, number in losses.items() if number]
    if steps and steps[-1].unit == unit:
        missing = steps[-1].count - count - sum(loss.count for loss in listed)
        if missing:
            listed.append(Loss(UNEXPLAINED, missing))
    steps.append(FunnelStep(name, count, unit, tuple(sorted(listed, key=lambda loss: (-loss.count, loss.reason)))))


def _metadata_note(stats: Mapping[str, float]) -> str:
    notes = (
        ("files_without_metadata", "without a row in the metadata table"),
        ("metadata_without_file", "rows of the metadata table without a file"),
    )
    return "; ".join(f"{int(stats[key]):,} {words}" for key, words in notes if stats.get(key))
