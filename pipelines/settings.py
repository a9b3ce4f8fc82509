"""The whole configuration of a labeling run."""

from typing import Literal

from pydantic import Field, model_validator

from noise2music.core.settings import Settings
from noise2music.labeling.settings import (
    Clean,
    Corpus,
    Leaks,
    ReportSettings,
    Retrieval,
    Sampling,
    ScorerSettings,
    Server,
    Shards,
    Songs,
    VocabularySettings,
    Write,
)

DEFAULT_DRAW = 3


class RunSettings(Settings):
    """How a run is carried out. Nothing here changes a result, so nothing here enters a fingerprint.

    runner: "local" (Beam's FnApiRunner on this machine) or "beam" with `options` for a cluster ("--runner=FlinkRunner", ...).
    mode: local workers as threads, which share the models, or as processes. batch: windows a network call.
    check: whether finished parts are hashed or only sized before they are trusted. server: the LLM server that writes, if any.
    """

    runner: Literal["local", "beam"] = "local"
    workers: int = Field(2, ge=1)
    mode: Literal["threads", "processes"] = "threads"
    options: tuple[str, ...] = ()
    batch: int = Field(16, ge=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    check: Literal["hash", "size"] = "hash"
    server: Server = Server()


class LabelSettings(Settings):
    """One labeling run, as a TOML file holds it."""

    root: str
    seed: int = 0
    parts: int = Field(8, ge=1, le=99999)
    max_dead: float = Field(0.05, ge=0, le=1)
    corpus: Corpus
    scorer: ScorerSettings = ScorerSettings()
    songs: Songs = Songs()
    write: Write = Write()
    clean: Clean = Clean()
    vocabulary: dict[str, VocabularySettings]
    leaks: Leaks = Leaks()
    retrieval: Retrieval = Retrieval()
    sampling: Sampling = Sampling()
    shards: Shards = Shards()
    report: ReportSettings = ReportSettings()
    run: RunSettings = RunSettings()

    @model_validator(mode="after")
    def _fits_together(self) -> "LabelSettings":
        if not self.vocabulary:
            raise ValueError("at least one [vocabulary.NAME] is needed")
        for name in self.vocabulary:
            if not name.replace("_", "").replace("-", "").isalnum():
                raise ValueError(f"vocabulary name {name!r}: use letters, digits, '-' and '_'")
        for name, labels in self.sampling.draw.items():
            if name not in self.vocabulary:
                raise ValueError(f"sampling.draw names {name!r}, but the vocabularies are: {', '.join(self.vocabulary)}")
            if not 1 <= labels <= self.sampling.top_k:
                raise ValueError(f"sampling.draw.{name} = {labels} must be between 1 and top_k = {self.sampling.top_k}")
        return self

    @property
    def is_written(self) -> bool:
        """Whether an LLM writes one of the vocabularies."""
        return any(vocabulary.kind == "written" for vocabulary in self.vocabulary.values())

    @property
    def finds_copies(self) -> bool:
        """Whether recordings that are there more than once are looked for, beyond files with equal bytes."""
        return self.corpus.copies != "bytes"

    @property
    def held_out(self) -> tuple[str, ...]:
        """Every MusicCaps-form table that the run reads: its evaluation rows are held out."""
        sources = {item.source for item in self.vocabulary.values() if item.source and item.kind.startswith("musiccaps")}
        return tuple(sorted(sources | set(self.leaks.held_out)))

    def draw(self, vocabulary: str) -> int:
        """Labels a clip and vocabulary (paper: K' = 3 where nothing else is said)."""
        return self.sampling.draw.get(vocabulary, min(DEFAULT_DRAW, self.sampling.top_k))
