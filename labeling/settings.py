"""What a labeling run can be told. Frozen, and an unknown key is an error."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, PlainSerializer, StringConstraints, field_validator, model_validator

from noise2music.core.settings import Settings

Split = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1)]
"""A split's name in lower case, as tables are read (labeling.corpus.metadata.clean_split)."""
Splits = Annotated[frozenset[Split], PlainSerializer(sorted, return_type=list[Split], when_used="json")]
Numbers = Annotated[frozenset[int], PlainSerializer(sorted, return_type=list[int], when_used="json")]


class FactColumns(Settings):
    """Which columns of a table say how music sounds. `tempo`: beats a minute. The columns of `musical_key` are joined ("F#", "minor")."""

    tags: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    tempo: str | None = None
    musical_key: tuple[str, ...] = ()


class Columns(FactColumns):
    """Which columns of the metadata table mean what. `key` holds the file's name, relative to the corpus."""

    key: str = "key"
    title: str | None = None
    artist: str | None = None
    licence: str | None = None
    split: str | None = None


class Corpus(Settings):
    """Audio and what is known of it.

    `min_matched`: a run stops when less than this share of the metadata's rows, or of the files where those are fewer, meet.
    `unmatched_split`: where `columns.split` is given, the split of files whose split is not known; None leaves them out ("no_split").
    `strict_opt_out`: a run stops when an entry of the opt-out list meets no file.
    `copies`: what makes two files one recording: equal bytes, equal decoded audio too, or also a fingerprint of the first
    `fingerprint_seconds` ("near"). `near_copies`: of those by fingerprint alone only the first stays, or none stays in train beside one
    of another split, or all stay.
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
    """`model` is "starter", a hub id, a folder of a transformers ClapModel, or a LAION .pt file."""

    model: str = "starter"
    revision: str | None = None


VocabularyKind = Literal[
    "written", "musiccaps-aspects", "musiccaps-sentences", "tags", "jsonl", "builtin", "builtin-tags", "builtin-sentences"
]


class VocabularySettings(Settings):
    """One named set of captions.

    `written`: the captions that `[write]` makes.
    `allowed_splits`: the splits of tracks that may be labelled from it; None means every split, except that
    `musiccaps-sentences` then stays out of "train" (paper section 2.5). `caption_split`: which MusicCaps rows are read.
    `allow_unlabelled`: go on where no track of the corpus may be labelled from it; otherwise that is an error before anything is embedded.
    """

    kind: VocabularyKind
    source: str | None = None
    column: str = "caption"
    allowed_splits: Splits | None = None
    caption_split: Literal["all", "train", "eval"] = "all"
    allow_unlabelled: bool = False


class SongColumns(FactColumns):
    """Which columns of a table of songs mean what."""

    title: str = "title"
    artist: str | None = "artist"


class Songs(Settings):
    """Which songs the LLM describes: those of `source` (csv, jsonl or parquet), or the corpus's own tracks when it is None."""

    source: str | None = None
    columns: SongColumns = SongColumns()


class Write(Settings):
    """What is asked of the LLM. `prompt` is the name of a shipped prompt or the path of a prompt file.

    `model` is the served name where `[run.server]` has a url; otherwise a hub id, a folder of a causal LM, or "starter".
    `samples` replies a song: the paper keeps about 27 sentences a song. `max_tokens` bounds a reply.
    """

    prompt: str = "songs-starter"
    model: str = "starter"
    revision: str | None = None
    samples: int = Field(8, ge=1, le=1000)
    temperature: float = Field(1.0, ge=0, le=2)
    top_p: float = Field(0.95, gt=0, le=1)
    max_tokens: int = Field(192, ge=1, le=8192)


RuleName = Literal[
    "tidy",
    "words",
    "language",
    "refusal",
    "names",
    "trivia",
    "second_person",
    "quotes",
    "low_information",
    "contradiction",
    "held_out",
    "not_music",
]
EVERY_RULE: tuple[RuleName, ...] = get_args(RuleName)


class Clean(Settings):
    """From replies to captions: the rules in their order, and their parameters. Duplicates go last, whatever the rules.

    `min_words`, `max_words`: length of a caption. `language`: its ISO 639-1 code. `music_threshold`: what "not_music" demands of a
    sentence (labeling.captions.cleaning.describes_music). `near_duplicate_threshold`: Jaccard similarity at and above which the rarer
    of two captions goes; None keeps both.
    """

    former_names: ClassVar[Mapping[str, str]] = {"near_duplicate": "near_duplicate_threshold"}
    rules: tuple[RuleName, ...] = EVERY_RULE
    min_words: int = Field(3, ge=1)
    max_words: int = Field(40, ge=1)
    language: str = "en"
    music_threshold: float | None = None
    near_duplicate_threshold: float | None = Field(0.8, gt=0, le=1)


class Budget(Settings):
    """The most that one run may spend; None is no limit. It stops cleanly, and the same command goes on later."""

    requests: int | None = Field(None, ge=1)
    tokens: int | None = Field(None, ge=1)
    money: float | None = Field(None, gt=0)


ParameterName = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_.-]{0,63})?$")] | bool


class ParameterNames(Settings):
    """What a server calls the parameters of a request: another name, or false (or "") for one that is not sent. true: its own name."""

    temperature: ParameterName = "temperature"
    top_p: ParameterName = "top_p"
    max_tokens: ParameterName = "max_tokens"
    seed: ParameterName = "seed"
    stop: ParameterName = "stop"

    @model_validator(mode="after")
    def _are_distinct(self) -> "ParameterNames":
        sent = [name if given is True else given for name, given in self if given]
        taken = ["model", "prompt", "messages", "response_format", "stream"]
        twice = sorted({str(name) for name in sent if [*sent, *taken].count(name) > 1})
        if twice:
            raise ValueError(f"two parameters of a request have the name {', '.join(twice)}")
        return self


class Server(Settings):
    """The OpenAI-compatible server that writes, for example "http://localhost:8000/v1". Without `url` the model is loaded in the worker.

    api_key_env: the environment variable that holds the key. concurrency: requests in flight, of each worker process. timeout: seconds
    a request. tries: of a request that fails while others are answered. patience: seconds without any answer after which the run stops.
    input_price, output_price: money a million tokens. parameters: what the server calls them, where it differs from others.
    """

    url: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int = Field(32, ge=1, le=4096)
    timeout: float = Field(60.0, gt=0)
    tries: int = Field(6, ge=1)
    patience: float = Field(180.0, ge=0)
    input_price: float = Field(0.0, ge=0)
    output_price: float = Field(0.0, ge=0)
    budget: Budget = Budget()
    parameters: ParameterNames = ParameterNames()

    def price(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Money for so many tokens in and out."""
        return (prompt_tokens * self.input_price + completion_tokens * self.output_price) / 1e6

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "http://host")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("write it as http://HOST:PORT/v1 or https://HOST/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("a URL must not hold a key or password: put the key into the environment variable that api_key_env names")
        return url


class ContaminationSettings(Settings):
    """`held_out`: more MusicCaps-form tables whose evaluation rows no training label may repeat, besides those of its vocabularies."""

    held_out: tuple[str, ...] = ()


class Retrieval(Settings):
    """`dedup_threshold` is the text cosine at and above which two captions of a clip say the same thing; None keeps all."""

    former_names: ClassVar[Mapping[str, str]] = {"collapse": "dedup_threshold"}
    index: Literal["flat", "ivf"] = "flat"
    nlist: int | None = Field(None, ge=1)
    nprobe: int = Field(32, ge=1)
    recall_sample: int = Field(1000, ge=1)
    dedup_threshold: float | None = Field(None, gt=0, le=1)


class Sampling(Settings):
    """`top_k` candidates a clip and vocabulary, of which `labels_per_clip[vocabulary]` become labels (paper: K = 10, K' = 3).

    `min_score_quantile`: a candidate that scores below this quantile of random clip-caption pairs is not a label; None keeps all.
    """

    former_names: ClassVar[Mapping[str, str]] = {"draw": "labels_per_clip", "floor_quantile": "min_score_quantile"}
    top_k: int = Field(10, ge=1, le=1000)
    labels_per_clip: dict[str, int] = Field(default_factory=dict)
    min_score_quantile: float | None = Field(None, gt=0, lt=1)


class Shards(Settings):
    """Audio of the training shards: FLAC, mono, `sample_rate` Hz, in files of up to about `target_mb` MiB.

    beyond_full_scale: what decodes beyond full scale is turned down until its peak is full scale ("scale"), or cut off there ("clip").
    """

    target_mb: float = Field(256.0, gt=0)
    sample_rate: int = Field(24000, ge=8000, le=48000)
    beyond_full_scale: Literal["scale", "clip"] = "scale"


class ReportSettings(Settings):
    """`clips`: how many clips the page shows with a player (chosen by hash when there are more)."""

    clips: int = Field(80, ge=0)
