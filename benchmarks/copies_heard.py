"""Which copies of a recording are found, and which other pieces are taken for copies?

    python -m benchmarks.copies_heard [--music FOLDER --pieces 40 --seconds 10]

Recordings of a folder and rendered pieces, each as people copy it, all compared with all by the stage's own functions. A copy counts as
found when it is linked with the recording itself. Then twenty seconds of some recordings over each loop of the folder (names with "loop").
"""

import argparse
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample
from noise2music.labeling.memorization.chains import Chains, find_chains
from noise2music.labeling.memorization.inverted_index import Entries, Votes, votes
from noise2music.labeling.memorization.landmarks import find_landmarks
from noise2music.labeling.memorization.links import Links, find_links
from noise2music.synth.render import render_piece

Sound = tuple[Float32s, int]

BODIES, MIXED_SECONDS, MIXED_RATE = 6, 20, 22050


def coded(kind: str, level: float) -> Callable[[Sound], Sound]:
    """Encoded and decoded; level 0 is the best that the encoder does."""

    def change(sound: Sound) -> Sound:
        sink = io.BytesIO()
        mode = {"bitrate_mode": "CONSTANT"} if kind == "MP3" else {}
        with soundfile.SoundFile(sink, "w", sound[1], 1, format=kind, compression_level=level, **mode) as file:
            for start in range(0, len(sound[0]), sound[1]):
                file.write(sound[0][start : start + sound[1]])
        sink.seek(0)
        audio: Float32s = soundfile.read(sink, dtype="float32")[0]
        return audio, sound[1]

    return change


def from_second(second: float) -> Callable[[Sound], Sound]:
    """Without its beginning."""
    return lambda sound: (sound[0][int(second * sound[1]) :], sound[1])


def at_rate(rate: int) -> Callable[[Sound], Sound]:
    """Resampled."""
    return lambda sound: (resample(sound[0], sound[1], rate), rate)


MP3_64, MP3_128, MP3_320 = (coded("MP3", level) for level in (0.889, 0.667, 0.0))
CHANGES: dict[str, Callable[[Sound], Sound]] = {
    "mp3, 320 kbit/s": MP3_320,
    "mp3, 128 kbit/s": MP3_128,
    "mp3, 64 kbit/s": MP3_64,
    "ogg, low quality": coded("OGG", 0.8),
    "22,050 Hz": at_rate(22050),
    "16,000 Hz": at_rate(16000),
    "12 dB down": lambda sound: (np.float32(0.25) * sound[0], sound[1]),
    "the first 60 %": lambda sound: (sound[0][: int(0.6 * len(sound[0]))], sound[1]),
    "from second 3 on": from_second(3),
    "from second 3 on, mp3, 128 kbit/s": lambda sound: MP3_128(from_second(3)(sound)),
    "from second 3 on, mp3, 64 kbit/s": lambda sound: MP3_64(from_second(3)(sound)),
}


def chains_of(sound: Sound) -> Chains:
    """What the stage keeps of it."""
    return find_chains(find_landmarks(*sound))


def linked(found: Sequence[Chains]) -> Links:
    """All with all."""
    sizes = np.array([len(item.hashes) for item in found], np.int32)
    tracks = np.repeat(np.arange(len(found), dtype=np.uint32), sizes)
    hashes, times = (np.concatenate([getattr(item, name) for item in found]) for name in ("hashes", "times"))
    parts = list(votes(Entries(hashes, tracks, times)))
    return find_links(Votes(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("one", "other", "offsets"))), sizes)


def recordings(music: Path | None, pieces: int, seconds: float) -> Iterator[Sound]:
    """Those of at least so many seconds, as mono."""
    for path in sorted(music.iterdir()) if music else ():
        if path.suffix != ".csv":
            audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
            if len(audio) >= seconds * rate:
                yield audio.mean(axis=1), rate
    for index in range(pieces):
        piece = render_piece(0, index)
        yield piece.audio, piece.sample_rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--music", type=Path)
    parser.add_argument("--pieces", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    sounds = list(recordings(options.music, options.pieces, options.seconds))
    found, owner = [chains_of(sound) for sound in sounds], list(range(len(sounds)))
    for change in CHANGES.values():
        found += [chains_of(change(sound)) for sound in sounds]
        owner += range(len(sounds))
    links = linked(found)
    pairs = set(zip(links.one.tolist(), links.other.tolist(), strict=True))
    print(f"{len(sounds)} recordings of {options.seconds:g} s and more, {np.mean([len(item.hashes) for item in found]):.0f} chains each")
    for number, name in enumerate(CHANGES, 1):
        there = sum((place, number * len(sounds) + place) in pairs for place in range(len(sounds)))
        print(f"{name:36} {there:4} of {len(sounds)} found")
    wrong = [pair for pair in pairs if owner[pair[0]] != owner[pair[1]]]
    print(f"{len(wrong)} of {len(found) * (len(found) - 1) // 2:,} pairs are linked wrongly")
    if options.music:
        mix(options.music)


def mix(music: Path) -> None:
    """Different pieces over one loop."""
    files = [path for path in sorted(music.iterdir()) if path.suffix != ".csv"]
    loops = [mono(path) for path in files if "loop" in path.name and "clue" not in path.name and path.suffix == ".flac"]
    length = MIXED_SECONDS * MIXED_RATE
    bodies = [audio[:length] for path in files if path.suffix != ".flac" if len(audio := mono(path)) >= length][:BODIES]
    for decibels in (-6, 0, 6):
        wrong = 0
        for loop in loops:
            drums = np.resize(loop, length)
            gain = 10 ** (decibels / 20) / np.std(drums)
            mixed = [np.asarray(0.1 * (body / np.std(body) + gain * drums), np.float32) for body in bodies]
            wrong += len(linked([chains_of((audio, MIXED_RATE)) for audio in mixed]).one)
        tried = len(loops) * len(list(itertools.combinations(bodies, 2)))
        print(f"{wrong} of {tried} pairs over one loop, {decibels:+d} dB beside the music, are linked")


def mono(path: Path) -> Float32s:
    """A file's mean of channels at MIXED_RATE."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return resample(audio.mean(axis=1), rate, MIXED_RATE)


if __name__ == "__main__":
    main()
