"""What a labeling run and a generation job end with."""

from dataclasses import dataclass

from noise2music.core.storage import Store
from noise2music.flows.datasets import LabelDatasets
from noise2music.labeling.datasets.build import BuildResult
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.models.job.place import MANIFEST_TABLE, PAGE
from noise2music.models.job.record import ClipRecord, DeadLetter

LABEL_PAGE = "report.html"


@dataclass(frozen=True)
class Labeled:
    """A finished run: its datasets, the report's dataset, and what was found and made on the way."""

    datasets: LabelDatasets
    report: Dataset
    built: tuple[BuildResult, ...]

    @property
    def nothing_done(self) -> bool:
        """Whether everything was there already."""
        return not any(item.new_parts for item in self.built)

    @property
    def report_path(self) -> str:
        """Where the page is."""
        return self.report.store.describe(f"{self.report.path}/{LABEL_PAGE}")


@dataclass(frozen=True)
class Generated:
    """A finished job. clips: all that the place holds, by key. dead: rows of this job's file of which no clip came. made: by this run."""

    store: Store
    clips: tuple[ClipRecord, ...]
    dead: tuple[DeadLetter, ...]
    made: int
    nothing_done: bool

    @property
    def page(self) -> str:
        """Where to listen."""
        return self.store.describe(PAGE)

    @property
    def manifest(self) -> str:
        """Where the table of all clips is."""
        return self.store.describe(MANIFEST_TABLE)
