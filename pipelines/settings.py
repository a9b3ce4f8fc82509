"""The whole configuration of a labeling run."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from noise2music.core.settings import Settings
from noise2music.labeling.settings import (
    ContaminationSettings,
    Corpus,
    ReportSettings,
    Retrieval,
    Sampling,
    ScorerSettings,
    Shards,
    VocabularySettings,
)
from noise2music.labeling.writer_settings import Clean, Server, Songs, Write

DEFAULT_LABELS_PER_CLIP = 3


class RunSettings(Settings):
    """How a run is carried out. Nothing here changes a result, so nothing here enters a fingerprint.

    Attributes:
        runner: "local" (Beam's FnApiRunner on this machine), or "beam" with `options` for a cluster.
        workers: Local workers.
        mode: Local workers as threads, which share the models, or as processes.
        options: Beam options ("--runner=FlinkRunner", ...).
        batch_size: Windows a network call.
        device: Where the networks run.
        check: Whether finished parts are hashed, or only their size is compared, before they are trusted.
        server: The LLM server that writes, if any.
    """

    former_names: ClassVar[Mapping[str, str]] = {"batch": "batch_size"}
    runner: Literal["local", "beam"] = "local"
    workers: int = Field(2, ge=1)
    mode: Literal["threads", "processes"] = "threads"
    options: tuple[str, ...] = ()
    batch_size: int = Field(16, ge=1)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    check: Literal["hash", "size"] = "hash"
    server: Server = Server()


class LabelSettings(Settings):
    """One labeling run, as a TOML file holds it (docs/labeling.md explains every key).

    Attributes:
        root: Folder or URI that all datasets are written to.
        seed: Seed of the sampling, of the random pairs and of an IVF index.
        parts: How many parts every dataset has.
        max_dead: A stage stops when a larger share of its rows is dead.
        corpus: Audio and its metadata.
        scorer: The scorer that compares audio with text.
        songs: The songs that an LLM describes.
        write: The requests to the LLM.
        clean: The rules from replies to captions.
        vocabulary: The vocabularies by name; at least one.
        contamination: What keeps evaluation captions out of training labels.
        retrieval: The search for candidates.
        sampling: How candidates become labels.
        shards: Audio of the training shards.
        report: The report.
        run: How the run is carried out.
    """

    former_names: ClassVar[Mapping[str, str]] = {"leaks": "contamination"}
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
    contamination: ContaminationSettings = ContaminationSettings()
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
        for name, labels in self.sampling.labels_per_clip.items():
            if name not in self.vocabulary:
                raise ValueError(f"sampling.labels_per_clip names {name!r}, but the vocabularies are: {', '.join(self.vocabulary)}")
            if not 1 <= labels <= self.sampling.top_k:
                raise ValueError(f"sampling.labels_per_clip.{name} = {labels} must be between 1 and top_k = {self.sampling.top_k}")
        return self

    @property
    def uses_llm(self) -> bool:
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
        return tuple(sorted(sources | set(self.contamination.held_out)))

    def labels_per_clip(self, vocabulary: str) -> int:
        """Labels a clip and vocabulary (paper: K' = 3 where nothing else is said)."""
        return self.sampling.labels_per_clip.get(vocabulary, min(DEFAULT_LABELS_PER_CLIP, self.sampling.top_k))
