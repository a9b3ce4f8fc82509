"""All clips of a test together: measured, brought to one loudness, encoded, and named so that no name tells what it is."""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import stable_id
from noise2music.evaluation.listening.attention import melody, noise
from noise2music.evaluation.listening.clip_audio import RATE, Heard, OpenFile, common_target, finished, gain_of, measure, middle, sound
from noise2music.evaluation.listening.questionnaire import AUDIO

THREADS = 4
Clip = tuple[str, str]
"""(system's label, prompt's key); ("", id) where there is no system."""
MELODY: Clip = ("", "attention/melody")
NOISE: Clip = ("", "attention/noise")


@dataclass(frozen=True)
class ClipSource:
    """Where a clip comes from. heard: measured of its middle. seconds: as long as raters hear it."""

    open: OpenFile
    heard: Heard
    seconds: float


@dataclass(frozen=True)
class ClipSet:
    """names: file of each clip below the page's folder. files: what lies in them. salt: hash of all. loudness: LUFS of every clip, None
    where levels stay. said: why that is less than was asked for.
    """

    names: Mapping[Clip, str]
    files: Mapping[str, bytes]
    salt: str
    loudness: float | None
    said: tuple[str, ...]


def attention_sources(seconds: float, seed: int) -> dict[Clip, ClipSource]:
    """Notes and noise for absurd items."""
    made = {}
    for clip, audio in ((MELODY, melody(seconds, RATE)), (NOISE, noise(seconds, RATE, seed))):
        opened = sound(audio)
        made[clip] = ClipSource(opened, measure(opened, seconds), seconds)
    return made


def encode_clips(sources: Mapping[Clip, ClipSource], window: float, loudness: float | None) -> ClipSet:
    """Clips as files. window: seconds that `heard` was measured in. Raises UserError where a file changed since it was measured."""
    target, said = loudness, list[str]()
    if loudness is not None:
        target, quiet = common_target(loudness, {_title(clip): source.heard for clip, source in sources.items()})
        if quiet is not None:
            said.append(f"levels are {target:.1f} LUFS, not {loudness:g}: {quiet} would clip if it were louder")

    def encode(clip: Clip) -> bytes:
        source = sources[clip]
        try:
            taken, _ = middle(source.open, window)
        except RowError as error:
            raise UserError(f"{_title(clip)} cannot be read any more: {error.message}. Leave its files as they are meanwhile.") from error
        return finished(taken, source.seconds, gain_of(source.heard, target))

    clips = sorted(sources)
    with ThreadPoolExecutor(THREADS) as pool:
        encoded = dict(zip(clips, pool.map(encode, clips), strict=True))
    salt = _salt(encoded.items())
    # Who has none of the clips cannot tell from a name whose clip it is.
    names = {clip: f"{AUDIO.partition('/')[2]}/{stable_id(salt, *clip)}.flac" for clip in clips}
    return ClipSet(names, {names[clip]: encoded[clip] for clip in clips}, salt, target, tuple(said))


def protocol_of(clips: ClipSet, window: float, must_hear: float) -> dict[str, str]:
    """What was done to the audio, in words and figures."""
    return {
        "audio": f"the middle {window:g} s at most, alike long where clips are compared; mono, {RATE:,} Hz, 16 bit",
        "loudness": "levels as they are" if clips.loudness is None else f"{clips.loudness:.1f} LUFS each (ITU-R BS.1770-5, one channel)",
        "must hear": f"{must_hear:g} s of each clip",
    }


def _title(clip: Clip) -> str:
    return ", ".join(part for part in clip if part)


def _salt(encoded: Iterable[tuple[Clip, bytes]]) -> str:
    return stable_id(*(stable_id(*clip, hashlib.sha256(data).hexdigest()) for clip, data in encoded))
