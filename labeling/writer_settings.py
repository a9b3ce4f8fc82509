"""The settings of the caption writer: which songs, the requests to the LLM, its server, and the rules from replies to captions."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from noise2music.core.settings import Settings
from noise2music.labeling.settings import FactColumns


class SongColumns(FactColumns):
    """Which columns of a table of songs mean what.

    Attributes:
        title: The column with the title.
        artist: The column with the artist.
    """

    title: str = "title"
    artist: str | None = "artist"


class Songs(Settings):
    """Which songs the LLM describes.

    Attributes:
        source: Table of songs (csv, jsonl or parquet); None means the corpus's own tracks.
        columns: Which columns of the table mean what.
    """

    source: str | None = None
    columns: SongColumns = SongColumns()


class Write(Settings):
    """The requests to the LLM.

    Attributes:
        prompt: Name of a shipped prompt, or path of a prompt file.
        model: The served name where `[run.server]` has a url; otherwise a hub id, a folder of a causal LM, or "starter".
        revision: Branch, tag or commit of a hub id.
        samples: Replies a song. The paper keeps about 27 sentences a song.
        temperature: Sampling temperature; 0 takes the likeliest token.
        top_p: Nucleus of the sampling.
        max_tokens: The most tokens of a reply.
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
    """From replies to captions: the rules in their order, and their parameters. Duplicates are removed last, whatever the rules.

    Attributes:
        rules: Which rules run, in this order.
        min_words: The fewest words of a caption.
        max_words: The most words of a caption.
        language: ISO 639-1 code of the captions' language.
        music_threshold: Score that the rule "not_music" demands (labeling.captions.cleaning.describes_music); None is the measured one.
        near_duplicate_threshold: Jaccard similarity from which the rarer of two captions is removed; None keeps both.
    """

    former_names: ClassVar[Mapping[str, str]] = {"near_duplicate": "near_duplicate_threshold"}
    rules: tuple[RuleName, ...] = EVERY_RULE
    min_words: int = Field(3, ge=1)
    max_words: int = Field(40, ge=1)
    language: str = "en"
    music_threshold: float | None = None
    near_duplicate_threshold: float | None = Field(0.8, gt=0, le=1)


class Budget(Settings):
    """The most that one run may spend; None is no limit. The run stops cleanly, and the same command goes on later.

    Attributes:
        requests: Requests.
        tokens: Tokens in and out.
        money: Money, by the prices of the server.
    """

    requests: int | None = Field(None, ge=1)
    tokens: int | None = Field(None, ge=1)
    money: float | None = Field(None, gt=0)


ParameterName = Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_.-]{0,63})?$")] | bool


class ParameterNames(Settings):
    """The server's names for the parameters of a request: another name, false (or "") to leave it out, true for the usual name.

    Attributes:
        temperature: Name of the temperature.
        top_p: Name of the nucleus.
        max_tokens: Name of the bound of a reply.
        seed: Name of the seed.
        stop: Name of the stop texts.
    """

    temperature: ParameterName = "temperature"
    top_p: ParameterName = "top_p"
    max_tokens: ParameterName = "max_tokens"
    seed: ParameterName = "seed"
    stop: ParameterName = "stop"

    @model_validator(mode="after")
    def _are_distinct(self) -> "ParameterNames":
        names = [name if value is True else value for name, value in self if value]
        reserved = ["model", "prompt", "messages", "response_format", "stream"]
        twice = sorted({str(name) for name in names if [*names, *reserved].count(name) > 1})
        if twice:
            raise ValueError(f"two parameters of a request have the name {', '.join(twice)}")
        return self


class Server(Settings):
    """The OpenAI-compatible server that writes, for example "http://localhost:8000/v1". Without `url` the model is loaded in the worker.

    Attributes:
        url: Address that ends in /v1.
        api_key_env: Environment variable that holds the key.
        concurrency: Requests in flight, of each worker process.
        timeout: Seconds a request.
        tries: Tries of a request that fails while others are answered.
        patience: Seconds without any answer after which the run stops.
        input_price: Money for a million tokens in.
        output_price: Money for a million tokens out.
        budget: The most that a run may spend.
        parameters: The server's names for parameters, where they differ.
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
