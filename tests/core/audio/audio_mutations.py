"""Damaged audio files, by number, and what must hold of each of them.

Run as a program it takes numbers from its standard input and answers each with a line: a process of its own, so that a hang or a crash of a
C library is seen by the one who asks.
"""

import io
import json
import sys
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from noise2music.core.audio.decode import MISSING_SECONDS, DecodedSpan, decode_spans
from noise2music.core.errors import RowError
from noise2music.labeling.stages.probe import probe_file, probe_warnings
from tests.core.audio.audio_files import AV_KINDS, OTHER_AV_KINDS, encode, encode_av, tones, without_xing

SECONDS = 3.0
REASONS = frozenset(
    {"empty_file", "not_audio", "unreadable", "no_samples", "ambiguous_audio", "unsupported_rate", "unsupported_channels"}
    | {"silent", "not_finite", "decode_failed", "truncated"}
)


@cache
def whole_files() -> dict[str, bytes]:
    """One file of every kind that the libraries can write."""
    audio = tones(SECONDS)
    audio += np.random.default_rng(0).normal(0, 0.01, audio.shape).astype(np.float32)
    mp3 = encode(audio, 44100, "MP3")
    files = {
        "wav": encode(audio, 44100, "WAV", "PCM_16"),
        "float.wav": encode(audio, 44100, "WAV", "FLOAT"),
        "adpcm.wav": encode(audio, 44100, "WAV", "IMA_ADPCM"),
        "w64": encode(audio, 44100, "W64", "PCM_16"),
        "rf64": encode(audio, 44100, "RF64", "PCM_24"),
        "flac": encode(audio, 44100, "FLAC", "PCM_16"),
        "ogg": encode(audio, 44100, "OGG", "VORBIS"),
        "opus": encode(tones(SECONDS, 48000), 48000, "OGG", "OPUS"),
        "aiff": encode(audio, 44100, "AIFF", "PCM_16"),
        "caf": encode(audio, 44100, "CAF", "PCM_16"),
        "au": encode(audio, 44100, "AU", "PCM_16"),
        "mp3": mp3,
        "noxing.mp3": without_xing(mp3),
    }
    for kind, (_, _, rate) in {**AV_KINDS, **OTHER_AV_KINDS}.items():
        files[kind] = encode_av(tones(SECONDS, rate), kind)
    return files


def mutation(number: int) -> tuple[str, bytes]:
    """A number -> what was done, and the file."""
    rng = np.random.default_rng(number)
    files = whole_files()
    names = sorted(files)
    name, other = names[number % len(names)], names[int(rng.integers(len(names)))]
    data, more = bytearray(files[name]), files[other]
    at, length = int(rng.integers(len(data))), int(rng.integers(1, max(2, len(data) // 3)))
    kind = int(rng.integers(10))
    what = ("cut", "bits", "swapped", "head", "zeros", "inserted", "removed", "joined", "prefixed", "header bits")[kind]
    if kind == 0:
        data = data[:at]
    elif kind in (1, 9):
        reach = min(len(data), 200) if kind == 9 else len(data)
        for place in rng.integers(0, reach, int(rng.integers(1, 40))):
            data[place] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        there = int(rng.integers(len(data)))
        length = min(length, len(data) - at, len(data) - there)
        data[at : at + length], data[there : there + length] = data[there : there + length], data[at : at + length]
    elif kind == 3:
        length = int(rng.integers(1, 64))
        data[:length] = more[:length] if rng.integers(2) else rng.bytes(length)
    elif kind == 4:
        data[at : at + length] = bytes(len(data[at : at + length]))
    elif kind == 5:
        data[at:at] = rng.bytes(length)
    elif kind == 6:
        del data[at : at + length]
    elif kind == 7:
        data += files[name] if rng.integers(2) else more
        what = f"joined with {other}"
    else:
        front = (b"ID3\x03\0\0\0\0\x08\0" + bytes(1024), b"APETAGEX" + rng.bytes(24), bytes(4096), rng.bytes(3000))[int(rng.integers(4))]
        data[:0] = front
    return f"{name} {what}", bytes(data)


def account(data: bytes) -> dict[str, float | str]:
    """Read a file as the stages do -> seconds found, used and dead, or why it is dead. Raises AssertionError where they do not meet."""
    try:
        row = probe_file(io.BytesIO(data), "a", len(data), "")
    except RowError as refused:
        error = refused
    else:
        return _account(data, row)
    assert error.reason in REASONS, error.reason
    assert "<none>" not in error.message
    assert "\n" not in error.message
    return {"reason": error.reason}


def _account(data: bytes, row: dict[str, Any]) -> dict[str, float | str]:
    probe_warnings(row)
    found = row["duration_ms"]
    spans = [(start, min(1000, found - start)) for start in range(0, found, 1000)]
    used = dead = 0
    early = 0
    for (_, length), result in zip(spans, decode_spans(io.BytesIO(data), "a", spans), strict=True):
        if isinstance(result, DecodedSpan):
            assert result.length_ms == length
            assert np.isfinite(result.audio).all()
            assert len(result.audio) / result.sample_rate >= length / 1000 - MISSING_SECONDS
            assert len(result.audio) / result.sample_rate <= length / 1000 + 0.01
            used += length
        else:
            assert result.reason in REASONS, result.reason
            early += result.reason == "truncated" and length > 1000 * MISSING_SECONDS
            dead += length
    assert used + dead == found
    return {"found": found / 1000, "claimed": row["claimed_ms"] / 1000, "used": used / 1000, "dead": dead / 1000, "early": early}


def most_mib() -> float:
    """The most memory that this program has held. The usual count starts with what its parent held when it was forked."""
    lines = Path("/proc/self/status").read_text().splitlines() if Path("/proc/self/status").exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def main() -> None:
    warnings.simplefilter("ignore")
    whole_files()
    print("ready", flush=True)
    for line in sys.stdin:
        what, data = mutation(int(line))
        try:
            answer = {"what": what, **account(data)}
        except BaseException as error:
            answer = {"what": what, "failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer | {"mib": most_mib()}), flush=True)


if __name__ == "__main__":
    main()
