"""Opens an mp3 or ADTS file."""

from functools import partial
from typing import BinaryIO

import soundfile

from noise2music.core.audio.chain_reader import ChainReader
from noise2music.core.audio.ffmpeg_reader import AGREED_SECONDS, AvReader
from noise2music.core.audio.file_window import window
from noise2music.core.audio.mpeg_frames import Walk, walk_adts, walk_mpeg
from noise2music.core.audio.mpeg_reader import MpegReader
from noise2music.core.audio.reader import Reader
from noise2music.core.audio.soundfile_reader import SoundFileReader
from noise2music.core.errors import RowError

_MUSIC = 0.5
"""Where frames cover less of the file than this, it may be something else that happens to contain frames."""
_ALL = 0.9
_BYTES = 0.01


def open_mpeg(file: BinaryIO, kind: str | None, sure: bool) -> Reader | None:
    """The reader of a file's frames; None where there are none or, unless the caller is `sure`, too few. kind: of core.audio.sniff.

    libsndfile (mpg123) reads mp3s whose first frame states the true length and that hold nothing but frames. FFmpeg's demuxer reads clean
    ADTS, and its decoder all other files, frame by frame. Frames of another rate (joined files) are resampled.
    """
    walk = walk_adts(file) if kind == "aac" else walk_mpeg(file)
    if walk.covered < _MUSIC:
        other = walk_mpeg(file) if kind == "aac" else walk_adts(file)
        walk = max(walk, other, key=lambda candidate: candidate.covered)
    if not walk.runs or (walk.covered < _MUSIC and not sure):
        return None
    if walk.runs[0].kind.decoder == "aac" and len(walk.runs) == 1 and not walk.interrupted:
        try:
            return AvReader(window(file, walk.begin, walk.end))
        except RowError:
            pass
    rate, samples = walk.runs[0].kind.rate, walk.runs[0].kind.samples
    if (reader := _by_libsndfile(file, walk)) is not None:
        return reader
    before, after = (walk.claim.before, walk.claim.after) if walk.claim else (0, 0)
    ends_where_claimed = walk.claim is not None and walk.claim.frames == walk.counted and len(walk.runs) == 1
    trims = [(before if not number else 0, after if ends_where_claimed else 0) for number in range(len(walk.runs))]
    openers = [partial(MpegReader, file, run, *trim) for run, trim in zip(walk.runs, trims, strict=True)]
    reader = ChainReader(openers) if len(openers) > 1 else openers[0]()
    if walk.claim is not None and walk.claim.frames is not None:
        claimed = max(0, walk.claim.frames * samples - before - walk.claim.after) * reader.rate // rate
    elif walk.covered < _ALL:
        claimed = round(reader.frames / walk.covered)
    else:
        claimed = reader.frames
    reader.claimed = claimed if abs(claimed - reader.frames) > AGREED_SECONDS * reader.rate else reader.frames
    return reader


def _by_libsndfile(file: BinaryIO, walk: Walk) -> Reader | None:
    claim, kind = walk.claim, walk.runs[0].kind
    if claim is None or not claim.frames or len(walk.runs) > 1 or walk.interrupted or kind.decoder != "mp3float":
        return None
    if abs(claim.frames - walk.frames) * kind.samples > AGREED_SECONDS * kind.rate:
        return None
    if claim.bytes and abs(claim.bytes - (walk.end - walk.begin)) > _BYTES * claim.bytes:
        return None
    try:
        reader = SoundFileReader(window(file, walk.begin, walk.end))
    except soundfile.LibsndfileError:
        return None
    return (
        reader if abs(reader.frames - walk.frames * kind.samples) <= AGREED_SECONDS * kind.rate + 2 * claim.after + claim.before else None
    )
