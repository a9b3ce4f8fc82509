"""What a generation job and an evaluation end with."""

from dataclasses import dataclass

from noise2music.core.storage import Store
from noise2music.evaluation.results import Results
from noise2music.models.job.output_store import MANIFEST_TABLE, PAGE
from noise2music.models.job.record import ClipRecord, DeadLetter

EVALUATION_PAGE = "index.html"


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


@dataclass(frozen=True)
class Evaluated:
    """A finished evaluation: where it was written, and its figures."""

    store: Store
    results: Results

    @property
    def page(self) -> str:
        """Where to look."""
        return self.store.describe(EVALUATION_PAGE)
