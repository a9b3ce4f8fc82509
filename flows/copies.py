"""The two stages that find recordings which are there more than once."""

from dataclasses import dataclass

from flows.call import Call
from labeling.dataset import Dataset
from pipelines.copies import copies
from pipelines.fingerprint import fingerprint
from pipelines.session import Session


@dataclass(frozen=True)
class FoundCopies:
    """The datasets of both stages; None with `corpus.copies = "bytes"`, where equal files alone are duplicates."""

    fingerprint: Dataset | None = None
    copies: Dataset | None = None


def find_copies(session: Session, probed: Dataset, call: Call) -> FoundCopies:
    """schemas.PROBE -> what is there more than once."""
    if session.settings.corpus.copies == "bytes":
        return FoundCopies()
    prints: Dataset = call("fingerprint", lambda: fingerprint(session, probed))
    return FoundCopies(prints, call("copies", lambda: copies(session, prints)))
