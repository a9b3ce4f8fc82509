"""All that the label report shows, as plain values: nothing in here reads a dataset or knows HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from noise2music.flows.pages.label.account_line import AccountLine
from noise2music.labeling.retrieval.distribution import Distribution


@dataclass(frozen=True)
class Loss:
    """How many were lost on the way to a step, and why."""

    reason: str
    count: int


@dataclass(frozen=True)
class FunnelStep:
    """What is left after one step. `losses` lie between the step before and this one; `note` says what is no loss but worth knowing."""

    name: str
    count: int
    unit: str
    losses: tuple[Loss, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Curve:
    """The `ranks[i]` most used captions have `shares[i]` of all uses; both ascending."""

    ranks: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class CaptionUse:
    """How often a caption is a candidate and how often a label."""

    caption: str
    candidates: int
    labels: int


@dataclass(frozen=True)
class ScoreSeries:
    """One distribution of scores: `shares` of the `total` scores in each bar, and the scores at `ScoreReport.levels` (None without any)."""

    name: str
    total: int
    shares: tuple[float, ...]
    quantiles: tuple[float | None, ...]


@dataclass(frozen=True)
class ScoreReport:
    """Histograms over common bars: `edges` (bars + 1) ascending cosines. `chance` compares the labels with the random pairs:
    the share of labels above the random pairs' 95 % quantile, None when one of them is empty.
    """

    edges: tuple[float, ...]
    levels: tuple[float, ...]
    series: tuple[ScoreSeries, ...]
    chance: float | None


@dataclass(frozen=True)
class RuleReport:
    """What one rule of the cleaning took: why, how many, and up to three of them."""

    name: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class QualityReport:
    """One measure of the captions beside MusicCaps's own; both over as many captions. is_share: shown in per cent."""

    measure: str
    captions: float
    musiccaps: float
    is_share: bool


@dataclass(frozen=True)
class CleaningReport:
    """From `sentences` of the LLM's replies to `captions`. quality: measured on `measured` captions; empty when there are too few."""

    sentences: int
    captions: int
    rules: tuple[RuleReport, ...]
    measured: int
    quality: tuple[QualityReport, ...]


@dataclass(frozen=True)
class WritingReport:
    """What the LLM was asked and what came of it. repaired: replies by how they were mended. dead: by reason.

    requests counts every try, retries those after the first. reused: replies of earlier datasets, which cost nothing here. Tokens,
    seconds and price are of this dataset's own replies, whichever run asked for them; seconds add up over requests in flight together.
    """

    model: str
    prompt: str
    songs: int
    samples: int
    replies: int
    usable: int
    repaired: tuple[Loss, ...]
    dead: tuple[Loss, ...]
    reused: int
    requests: int
    retries: int
    failed: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    price: float


@dataclass(frozen=True)
class VocabularyReport:
    """One vocabulary. `before` counts candidates, `after` labels; `clips` were searched; `top` holds the captions with most candidates.

    recall: what an approximate index finds of the exact candidates; None where the search is exact. cleaning: of a written vocabulary.
    """

    name: str
    clips: int
    candidates: int
    labels: int
    collapsed: int
    recall: float | None
    funnel: tuple[FunnelStep, ...]
    before: Distribution
    after: Distribution
    before_curve: Curve
    after_curve: Curve
    top: tuple[CaptionUse, ...]
    scores: ScoreReport
    cleaning: CleaningReport | None


@dataclass(frozen=True)
class TagCoverage:
    """What the labels give to the clips of one corpus tag: `clips` carry it, `labelled` of them have a label, `labels` they have in all.

    share: their part of all labels. Tags overlap, so shares do not add up to 1.
    """

    tag: str
    clips: int
    labelled: int
    labels: int
    share: float


@dataclass(frozen=True)
class ShownLabel:
    """One label and where it came from (labeling.schemas.LABEL)."""

    vocabulary: str
    caption: str
    score: float
    rank: int
    frequency: int
    p: float


@dataclass(frozen=True)
class ShownClip:
    """One clip of the page. audio: MP3, spectrogram: PNG; empty where there is none."""

    clip_id: str
    track_key: str
    title: str
    artist: str
    start_ms: int
    length_ms: int
    tags: tuple[str, ...]
    labels: tuple[ShownLabel, ...]
    audio: bytes = b""
    spectrogram: bytes = b""


@dataclass(frozen=True)
class DeadLetter:
    """One row that failed."""

    stage: str
    key: str
    reason: str
    error: str
    attempt: int


@dataclass(frozen=True)
class DeadCount:
    """How many rows of a stage failed for one reason."""

    stage: str
    reason: str
    count: int


@dataclass(frozen=True)
class Warned:
    """How many rows of a stage were not as declared for one reason, and a few of them in words."""

    stage: str
    reason: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class ExcludedTrack:
    """One track that was left out on purpose; `detail` names the first copy of a duplicate, or the licence."""

    key: str
    title: str
    reason: str
    detail: str


@dataclass(frozen=True)
class DatasetRow:
    """One dataset of the run. `seconds` is working time of all parts, `changed` what differs from the dataset made before it."""

    stage: str
    name: str
    fingerprint: str
    rows: int
    dead: int
    parts: int
    bytes: int
    seconds: float
    device: str
    changed: tuple[str, ...]


@dataclass(frozen=True)
class ScorerReport:
    """Who scored, on which device, and what the reader must know of it ("" when there is nothing)."""

    name: str
    device: str
    caveat: str


@dataclass(frozen=True)
class LabelReport:
    """The whole report. `recordings` and `clips` are those that were scored, `labelled` clips have a label, `seconds` is their audio.

    Lists that may be long are cut (clips by hash, the others after the first by key); `dead_counts` and `excluded_counts` count all.
    """

    title: str
    scorer: ScorerReport
    recordings: int
    clips: int
    labelled: int
    labels: int
    seconds: float
    funnel: tuple[FunnelStep, ...]
    writing: WritingReport | None
    vocabularies: tuple[VocabularyReport, ...]
    tags: tuple[TagCoverage, ...]
    shown: tuple[ShownClip, ...]
    excluded: tuple[ExcludedTrack, ...]
    excluded_counts: tuple[Loss, ...]
    dead_letters: tuple[DeadLetter, ...]
    dead_counts: tuple[DeadCount, ...]
    account: tuple[AccountLine, ...]
    warnings: tuple[Warned, ...]
    datasets: tuple[DatasetRow, ...]
    configuration: Mapping[str, Any]
