"""The LLM's part of the labeling flow: songs, replies, captions. By itself it needs no scorer, and with a table of songs no audio."""

from dataclasses import dataclass
from functools import partial

from flows.call import Call, call_here
from flows.copies import find_copies
from labeling.dataset import Dataset
from labeling.errors import UserError
from labeling.uses import running
from pipelines.ingest import ingest
from pipelines.inventory import inventory
from pipelines.probe import probe
from pipelines.session import Session
from pipelines.settings import LabelSettings
from pipelines.songs import songs
from pipelines.write import write
from pipelines.writer import open_writer
from pipelines.written import written


@dataclass(frozen=True)
class Written:
    """What the LLM was asked for, and what it said."""

    songs: Dataset
    replies: Dataset


def write_replies(session: Session, tracks: Dataset | None, call: Call) -> Written:
    """Songs and replies. `tracks` may be None where the songs come from a table."""
    listed = call("songs", lambda: songs(session, tracks))
    writer = call("writer", lambda: open_writer(session.settings))
    return Written(listed, call("write", lambda: write(session, listed, writer)))


def write_captions(settings: LabelSettings, replay: bool = False, call: Call = call_here) -> dict[str, Dataset]:
    """The written vocabularies of a configuration by name, and nothing else of the labeling flow. Raises UserError."""
    names = [name for name, vocabulary in settings.vocabulary.items() if vocabulary.kind == "written"]
    if not names:
        raise UserError('no vocabulary is written by an LLM: add [vocabulary.llm_long] with kind = "written".')
    session = Session(settings, replay)
    with running(session.root, "n2m write"):
        replies = write_replies(session, None if settings.songs.source else _tracks(session, call), call)
        return {name: call(f"vocabulary {name}", partial(written, session, name, replies.songs, replies.replies)) for name in names}


def _tracks(session: Session, call: Call) -> Dataset:
    files = call("inventory", lambda: inventory(session))
    probed = call("probe", lambda: probe(session, files))
    found = find_copies(session, probed, call)
    tracks: Dataset = call("ingest", lambda: ingest(session, files, probed, found.copies))
    return tracks
