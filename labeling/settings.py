"""What a labeling run can be told. Frozen, and an unknown key is an error."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Split = str


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Columns(Settings):
    """Which columns of the metadata table mean what. `key` holds the file's name, relative to the corpus."""

    key: str = "key"
    title: str | None = None
    artist: str | None = None
    licence: str | None = None
    split: str | None = None
    tags: tuple[str, ...] = ()


class Corpus(Settings):
    """Audio and what is known of it."""

    audio: str
    metadata: str | None = None
    columns: Columns = Columns()
    clip_seconds: float = Field(30.0, gt=0)
    max_clips: int = Field(6, ge=1)
    min_seconds: float = Field(5.0, gt=0)
    licences: tuple[str, ...] | None = None
    opt_out: str | None = None


class ScorerSettings(Settings):
    """`model` is "starter", a hub id, a folder of a transformers ClapModel, or a LAION .pt file."""

    model: str = "starter"
    revision: str | None = None


VocabularyKind = Literal["musiccaps-aspects", "musiccaps-sentences", "tags", "jsonl", "builtin", "builtin-tags", "builtin-sentences"]


class VocabularySettings(Settings):
    """One named set of captions.

    `allowed_splits`: the splits of tracks that may be labelled from it; None means every split, except that
    `musiccaps-sentences` then stays out of "train" (paper section 2.5). `caption_split`: which MusicCaps rows are read.
    """

    kind: VocabularyKind
    source: str | None = None
    column: str = "caption"
    allowed_splits: frozenset[Split] | None = None
    caption_split: Literal["all", "train", "eval"] = "all"


class Leaks(Settings):
    """`held_out`: more MusicCaps-form tables whose evaluation rows no training label may repeat, besides those of its vocabularies."""

    held_out: tuple[str, ...] = ()


class Retrieval(Settings):
    """`collapse` is the text cosine at and above which two captions of a clip say the same thing; None keeps all."""

    index: Literal["flat", "ivf"] = "flat"
    nlist: int | None = Field(None, ge=1)
    nprobe: int = Field(32, ge=1)
    recall_sample: int = Field(1000, ge=1)
    collapse: float | None = Field(None, gt=0, le=1)


class Sampling(Settings):
    """`top_k` candidates a clip and vocabulary, of which `draw[vocabulary]` become labels (paper: K = 10, K' = 3).

    `floor_quantile`: a candidate that scores below this quantile of random clip-caption pairs is not a label; None keeps all.
    """

    top_k: int = Field(10, ge=1, le=1000)
    draw: dict[str, int] = {}
    floor_quantile: float | None = Field(None, gt=0, lt=1)


class Shards(Settings):
    """Training shards: FLAC, mono, `sample_rate` Hz, closed once `target_mb` MiB are reached."""

    target_mb: float = Field(256.0, gt=0)
    sample_rate: int = Field(24000, ge=8000, le=48000)


class ReportSettings(Settings):
    """`clips`: how many clips the page shows with a player (chosen by hash when there are more)."""

    clips: int = Field(80, ge=0)
