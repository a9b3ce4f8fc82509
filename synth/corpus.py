"""A folder of rendered pieces with their truth in a table: a corpus that `ingest` reads like any other."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import soundfile

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.core.storage import open_store
from noise2music.synth.chance import Chance
from noise2music.synth.composer import Composition, compose
from noise2music.synth.render import VERSION, render

COLUMNS = ("file", "title", "artist", "licence", "split", "genre", "instruments", "mood", "bpm", "key", "mode", "register", "drums")
LICENCE = "CC0 1.0"
TEST_SHARE = 0.1


def write_corpus(folder: Path, pieces: int, seed: int, seconds: float = 30.0, advance: Callable[[], None] = lambda: None) -> Path:
    """Render pieces 0..pieces-1 of a seed into 16-bit mono FLAC files; returns the path of `manifest.csv`, written last.

    `advance` is called once a piece. A file that is there is kept: its name holds a hash of all that it depends on, and
    files are written at once or not at all. `instruments` and `mood` hold lists, joined by ", ". Raises UserError.
    """
    if pieces < 1:
        raise UserError(f"a corpus of {pieces} pieces cannot be rendered; ask for at least one")
    store = open_store(str(folder))
    compositions = [compose(seed, index, seconds) for index in range(pieces)]
    for composition in compositions:
        name = file_name(composition)
        if store.head(name) is None:
            store.put(name, flac(composition))
        advance()
    store.put("manifest.csv", _table(compositions))
    return folder / "manifest.csv"


def file_name(composition: Composition) -> str:
    """A safe name: the index for people, a hash of everything the sound depends on for programs."""
    mark = stable_id("piece", VERSION, composition.seed, composition.index, repr(float(composition.seconds)))[:8]
    return f"piece-{composition.index:05d}-{mark}.flac"


def flac(composition: Composition) -> bytes:
    """The piece as a 16-bit mono FLAC file."""
    piece = render(composition)
    buffer = io.BytesIO()
    soundfile.write(buffer, (piece.audio * 32768.0).astype("int16"), piece.sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def split_of(seed: int, index: int) -> str:
    """ "test" for a tenth of the pieces, "train" for the others."""
    return "test" if Chance(seed, (index,)).yes(TEST_SHARE, "split") else "train"


def _table(compositions: list[Composition]) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for composition in compositions:
        truth = composition.truth
        facts = (truth.genre, ", ".join(truth.instruments), ", ".join(truth.moods), truth.bpm, truth.key, truth.mode, truth.register)
        head = (file_name(composition), composition.title, composition.artist, LICENCE, split_of(composition.seed, composition.index))
        rows.writerow((*head, *facts, "yes" if truth.drums else "no"))
    return text.getvalue().encode()
