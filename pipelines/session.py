"""What every stage of one run shares: the root, the settings, and the one way in which a dataset is found or made."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from noise2music.core.storage import Store, open_store
from noise2music.labeling.datasets.build import BuildResult, MakeParts, build_dataset, check_dead_share
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.manifest import Manifest
from noise2music.pipelines.scorer import ScorerHandle, open_scorer
from noise2music.pipelines.settings import LabelSettings
from noise2music.pipelines.writer import WriterHandle, open_writer

log = logging.getLogger("n2m")


@dataclass
class Session:
    """One run over one root. `replay`: datasets with dead rows are made again. `place`: where the root is, where it is no longer where the
    settings say. `built` collects what was found and made.
    """

    settings: LabelSettings
    replay: bool = False
    place: str | None = None
    built: list[BuildResult] = field(default_factory=list)

    @property
    def root(self) -> Store:
        """The store that holds all datasets."""
        return open_store(self.place or self.settings.root)

    @cached_property
    def scorer(self) -> ScorerHandle:
        """The scorer of the run, opened when it is first asked for. Raises UserError."""
        return open_scorer(self.settings.scorer, self.settings.run.device)

    @cached_property
    def writer(self) -> WriterHandle:
        """The LLM of the run, opened when it is first asked for. Raises UserError."""
        return open_writer(self.settings)

    def dataset(self, stage: str, vocabulary: str = "") -> Dataset:
        """What this run found or made of an earlier stage. Raises KeyError where it has not come to that stage."""
        for built in reversed(self.built):
            if (built.dataset.stage, built.dataset.name) == (stage, vocabulary):
                return built.dataset
        raise KeyError(f"{stage} {vocabulary}".strip())

    def build(
        self,
        stage: str,
        version: int,
        make_parts: MakeParts,
        name: str = "",
        parts: int | None = None,
        config: Mapping[str, Any] | None = None,
        inputs: Mapping[str, str] | None = None,
        parents: Sequence[Dataset] = (),
        shares_files: bool = False,
    ) -> Dataset:
        """The stage's dataset, found or made. shares_files: as labeling.datasets.build.build_dataset has it.

        Raises UserError, among others when more than `max_dead` of its rows are dead.
        """
        identity = Identity(
            stage=stage,
            name=name,
            parts=self.settings.parts if parts is None else parts,
            version=version,
            config=config or {},
            inputs=inputs or {},
            parents={parent.title: parent.digest for parent in parents},
        )
        started = time.monotonic()
        built = build_dataset(self.root, identity, make_parts, self.settings.as_json(), self.settings.run.check, self.replay, shares_files)
        self.built.append(built)
        self._say(built, time.monotonic() - started)
        check_dead_share(built.dataset, self.settings.max_dead)
        return built.dataset

    def _say(self, built: BuildResult, seconds: float) -> None:
        manifest = built.dataset.manifest
        title = built.dataset.title
        files = sum(len(record.files) for record in manifest.parts)
        rows = f"{files} files" if manifest.stage == "report" else f"{manifest.rows:,} rows"
        rows += f", {manifest.dead_rows:,} dead" if manifest.dead_rows else ""
        if manifest.excluded:
            rows += ", excluded: " + ", ".join(f"{number:,} {reason}" for reason, number in manifest.excluded.items())
        if not built.new_parts:
            log.info("%-24s %s, there already", title, rows)
            self._warn(manifest)
            return
        carried = int(manifest.stats.get("carried", 0))
        extra = f", {carried:,} carried over" if carried else ""
        changed = f" (new because of {', '.join(manifest.changed[:4])})" if manifest.changed else ""
        log.info("%-24s %s%s, %d of %d parts made in %.1f s%s", title, rows, extra, built.new_parts, len(manifest.parts), seconds, changed)
        self._warn(manifest)

    def _warn(self, manifest: Manifest) -> None:
        """What was not as declared: a line a reason, with one example."""
        for reason, number in manifest.warnings.items():
            example = (manifest.warned.get(reason) or ("",))[0]
            log.warning("  %s: %s%s", reason, f"{number:,}, for example " if number > 1 else "", example)
