"""The settings of a labeling run. Frozen, and an unknown key is an error."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PlainSerializer, StringConstraints

from noise2music.core.settings import Settings

Split = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1)]
"""A split's name in lower case, as tables are read (labeling.corpus.metadata.clean_split)."""
Splits = Annotated[frozenset[Split], PlainSerializer(sorted, return_type=list[Split], when_used="json")]
Numbers = Annotated[frozenset[int], PlainSerializer(sorted, return_type=list[int], when_used="json")]


class FactColumns(Settings):
    """Which columns of a table say how music sounds.

    Attributes:
        tags: Columns with tags; cells are split at commas, semicolons and bars.
        instruments: Columns with instruments, read like tags.
        tempo: The column with beats a minute.
        musical_key: Columns of the key, joined with a space ("F#", "minor").
    """

    tags: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    tempo: str | None = None
    musical_key: tuple[str, ...] = ()


class Columns(FactColumns):
    """Which columns of the metadata table mean what.

    Attributes:
        key: The column with the file's name, relative to the corpus.
        title: The column with the title.
        artist: The column with the artist.
        licence: The column with the licence.
        split: The column with the split (train, test, ...).
    """

    key: str = "key"
    title: str | None = None
    artist: str | None = None
    licence: str | None = None
    split: str | None = None


class Corpus(Settings):
    """Audio and its metadata.

    Attributes:
        audio: Folder or URI of the music.
        metadata: Table about the files; without it the tags inside the files count.
        min_matched: The run stops when a smaller share of the table's rows matches a file, or of the files where those are fewer.
        columns: Which columns of the table mean what.
        unmatched_split: With `columns.split`: the split of files without a split; None excludes them ("no_split").
        clip_seconds: Length of a clip in seconds.
        max_clips: The most clips a track, spread evenly over it.
        min_seconds: The shortest clip in seconds.
        licences: Allow-list of licences; None allows all.
        opt_out: List or table of what must not be used.
        strict_opt_out: The run stops when an entry of the opt-out list matches no file.
        copies: What makes two files one recording: equal bytes ("bytes"), equal decoded audio too ("audio"), or also a fingerprint
        ("near"). near_copies: Of recordings that only a fingerprint links: "exclude" keeps the first, "same_split" those of one split,
        "keep" all. fingerprint_seconds: Seconds from the start of a file that a fingerprint covers.
    """

    audio: str
    metadata: str | None = None
    min_matched: float = Field(0.5, ge=0, le=1)
    columns: Columns = Columns()
    unmatched_split: Split | None = None
    clip_seconds: float = Field(30.0, gt=0)
    max_clips: int = Field(6, ge=1)
    min_seconds: float = Field(5.0, gt=0)
    licences: tuple[str, ...] | None = None
    opt_out: str | None = None
    strict_opt_out: bool = False
    copies: Literal["bytes", "audio", "near"] = "near"
    near_copies: Literal["exclude", "same_split", "keep"] = "same_split"
    fingerprint_seconds: float = Field(120.0, gt=0, le=3600)


class ScorerSettings(Settings):
    """The scorer that compares audio with text.

    Attributes:
        model: "starter", a hub id, a folder of a transformers ClapModel, or a LAION .pt file.
        revision: Branch, tag or commit of a hub id.
    """

    model: str = "starter"
    revision: str | None = None


VocabularyKind = Literal[
    "written", "musiccaps-aspects", "musiccaps-sentences", "tags", "jsonl", "builtin", "builtin-tags", "builtin-sentences"
]


class VocabularySettings(Settings):
    """One named set of captions.

    Attributes:
        kind: Where captions come from; "written" are those of the LLM ([write]).
        source: The file; the built-in kinds and "written" need none.
        column: Field or column that holds the caption.
        allowed_splits: Splits of the tracks that may be labelled; None is every split, except that "musiccaps-sentences" then stays out of
            "train" (paper section 2.5).
        caption_split: Which rows of a MusicCaps table are read.
        allow_unlabelled: Go on where no track of the corpus may be labelled; otherwise that is an error before anything is embedded.
    """

    kind: VocabularyKind
    source: str | None = None
    column: str = "caption"
    allowed_splits: Splits | None = None
    caption_split: Literal["all", "train", "eval"] = "all"
    allow_unlabelled: bool = False


class ContaminationSettings(Settings):
    """Keeps evaluation captions out of training labels.

    Attributes:
        held_out: More MusicCaps-form tables whose evaluation rows no training label may repeat, besides those of the vocabularies.
    """

    held_out: tuple[str, ...] = ()


class Retrieval(Settings):
    """The search for a clip's candidates.

    Attributes:
        index: "flat" is exact; "ivf" is for millions of captions.
        nlist: Groups of the IVF index; None chooses by the size of the vocabulary.
        nprobe: Groups that a query looks into.
        recall_sample: Clips on which the recall of an IVF index is measured.
        dedup_threshold: Text cosine from which two captions of a clip say the same thing; None keeps both.
    """

    former_names: ClassVar[Mapping[str, str]] = {"collapse": "dedup_threshold"}
    index: Literal["flat", "ivf"] = "flat"
    nlist: int | None = Field(None, ge=1)
    nprobe: int = Field(32, ge=1)
    recall_sample: int = Field(1000, ge=1)
    dedup_threshold: float | None = Field(None, gt=0, le=1)


class Sampling(Settings):
    """Candidates become labels (paper section 2.3, steps 3 and 4: K = 10, K' = 3).

    Attributes:
        top_k: Candidates a clip and vocabulary.
        labels_per_clip: Labels a clip, by vocabulary; 3 where a vocabulary is not named.
        min_score_quantile: A candidate that scores below this quantile of random clip-caption pairs is no label; None keeps all.
    """

    former_names: ClassVar[Mapping[str, str]] = {"draw": "labels_per_clip", "floor_quantile": "min_score_quantile"}
    top_k: int = Field(10, ge=1, le=1000)
    labels_per_clip: dict[str, int] = Field(default_factory=dict)
    min_score_quantile: float | None = Field(None, gt=0, lt=1)


class Shards(Settings):
    """Audio of the training shards: FLAC, mono.

    Attributes:
        target_mb: Size of a file of audio, about, in MiB.
        sample_rate: Sampling rate in Hz.
        beyond_full_scale: Audio beyond full scale is turned down until its peak is full scale ("scale"), or clipped ("clip").
    """

    target_mb: float = Field(256.0, gt=0)
    sample_rate: int = Field(24000, ge=8000, le=48000)
    beyond_full_scale: Literal["scale", "clip"] = "scale"


class ReportSettings(Settings):
    """The report.

    Attributes:
        clips: How many clips the page shows with a player, chosen by hash.
    """

    clips: int = Field(80, ge=0)
