"""The page on which people listen to what a job made: every clip with player, spectrogram, prompt and score, beside the clips."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from noise2music.core.storage import Store
from noise2music.flows.pages.charts import Bars, histogram_overlay
from noise2music.flows.pages.html import BESIDE, flatten, render_document
from noise2music.flows.tables import format_counts
from noise2music.models.generation.guards import count_warnings
from noise2music.models.job.identity import JobIdentity, read_identity
from noise2music.models.job.output_store import PAGE
from noise2music.models.job.record import ClipRecord, DeadLetter

BINS = 24
MOST_CLIPS = 2000
"""A page with many more is slow; the manifest has them all."""


@dataclass(frozen=True)
class Figures:
    """What is said of all clips together. Seconds of audio and of work; scores and levels where there are any.
    warned: clips with a warning, and of what kinds. compared: with the training set; copies: flagged there.
    """

    clips: int
    seconds: float
    spent: float
    calls: int
    warned: int
    kinds: str
    compared: int
    copies: int
    scores: tuple[float, ...]
    levels: tuple[float, ...]

    @property
    def mean_score(self) -> float | None:
        """Of all clips that have one."""
        return statistics.fmean(self.scores) if self.scores else None

    @property
    def level(self) -> float | None:
        """The median, dBFS."""
        return statistics.median(self.levels) if self.levels else None


def write_listening_page(store: Store, clips: Sequence[ClipRecord], dead: Sequence[DeadLetter]) -> bool:
    """Write the page unless it is there already. Gives whether it was written."""
    return store.put_changed(PAGE, render_listening_page(clips, dead, read_identity(store)).encode())


def render_listening_page(clips: Sequence[ClipRecord], dead: Sequence[DeadLetter], identity: JobIdentity | None) -> str:
    """One HTML document of the first MOST_CLIPS clips; links are relative. Texts are escaped, and no script but the page's own runs."""
    figures = _figures(clips)
    return render_document(
        "listening.html.j2",
        "listening.css",
        images=f"{BESIDE} data:",
        media=BESIDE,
        clips=clips[:MOST_CLIPS],
        dead=dead[:MOST_CLIPS],
        dead_rows=len(dead),
        figures=figures,
        scores=_histogram(figures.scores),
        stages=clips[0].stages if clips else (),
        settings=list(flatten(identity.model_dump(mode="json", exclude_none=True))) if identity else [],
    )


def _figures(clips: Sequence[ClipRecord]) -> Figures:
    return Figures(
        clips=len(clips),
        seconds=sum(clip.duration for clip in clips),
        spent=sum(clip.seconds_spent for clip in clips),
        calls=sum(clip.calls for clip in clips),
        warned=sum(bool(clip.warnings) for clip in clips),
        kinds=format_counts(count_warnings(clips)),
        compared=sum(clip.duplicates is not None for clip in clips),
        copies=sum(clip.duplicates is not None and clip.duplicates.flagged for clip in clips),
        scores=tuple(clip.score for clip in clips if clip.score is not None),
        levels=tuple(clip.rms_dbfs for clip in clips if clip.rms_dbfs is not None),
    )


def _histogram(scores: Sequence[float]) -> Markup | None:
    if len(scores) < 2:
        return None
    low, high = min(scores), max(scores)
    width = (high - low) / BINS or 1.0
    counts = [0] * BINS
    for score in scores:
        counts[min(BINS - 1, int((score - low) / width))] += 1
    edges = [low + width * place for place in range(BINS + 1)]
    bars = Bars("clips", "drawn", [count / len(scores) for count in counts])
    return histogram_overlay(
        "Scores", f"Cosine of {len(scores):,} clips with their prompts.", edges, [bars], "score (cosine with the prompt)"
    )
