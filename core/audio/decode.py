"""Decodes spans of a file to mono audio at the file's own rate. What lies between two spans is dropped at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.open_reader import open_reader
from noise2music.core.audio.reader import Stretch
from noise2music.core.errors import RowError

MISSING_SECONDS = 0.25
"""A span may be this much shorter than the container promised: containers round, encoders pad."""
MOST_GAP_SECONDS = 1.0
"""Less damage than this in one span becomes silence with a warning. With more, that span fails; the others go on."""
SILENT_PEAK = 1e-4
"""-80 dBFS; dither of 16 bits lies at 3e-5."""


@dataclass(frozen=True)
class DecodedSpan:
    """audio: (n,) float32 mono at `sample_rate` Hz, the mean of the channels; full scale is 1.

    odd: warnings about a span that can be used, as (reason, message) pairs: "gap" (a damaged place is silence) and "antiphase" (the
    channels cancel each other, so it is not their mean).
    """

    start_ms: int
    length_ms: int
    audio: Float32s
    sample_rate: int
    odd: tuple[tuple[str, str], ...] = ()


def decode_spans(file: BinaryIO, key: str, spans_ms: Sequence[tuple[int, int]]) -> Iterator[DecodedSpan | RowError]:
    """A seekable file and spans (start, length) in milliseconds, in order of time and not overlapping -> one result a span, in that order.

    Damage shorter than MOST_GAP_SECONDS becomes silence of its length, so later audio keeps its time. A span that fails yields a RowError
    and the next spans go on: "truncated" (ends more than MISSING_SECONDS early, or is empty), "not_finite", "silent" (peak below
    SILENT_PEAK), "decode_failed", "unreadable". A smaller shortfall gives a shorter array.
    Raises RowError when the file cannot be opened as audio (see core.audio.open_reader), ValueError when the spans are out of order.
    """
    end = 0
    for start, length in spans_ms:
        if start < end or length <= 0:
            raise ValueError(f"{key}: spans must be in order of time, not overlap and not be empty")
        end = start + length
    reader = open_reader(file)
    for start, length in spans_ms:
        try:
            stretch = reader.read(start * reader.rate // 1000, (start + length) * reader.rate // 1000)
            _check(stretch, reader.rate, length)
        except RowError as error:
            yield error
        else:
            yield DecodedSpan(start, length, stretch.audio, reader.rate, oddities(stretch, reader.rate))


def decode_start(file: BinaryIO, seconds: float) -> tuple[Stretch, int]:
    """The first `seconds` of a file, or all where there is less, and its rate in Hz.

    Raises RowError where the file cannot be opened as audio (see core.audio.open_reader), and "decode_failed".
    """
    reader = open_reader(file)
    stretch = reader.read(0, round(seconds * reader.rate))
    check_gaps(stretch, reader.rate, len(stretch.audio) / reader.rate)
    return stretch, reader.rate


def oddities(stretch: Stretch, rate: int) -> tuple[tuple[str, str], ...]:
    """Warnings about a stretch at `rate` Hz: (reason, message) pairs."""
    warnings = []
    if stretch.gaps:
        first = stretch.gaps[0]
        places = "" if len(stretch.gaps) == 1 else f" in {len(stretch.gaps)} places, the first"
        lost = sum(gap.frames for gap in stretch.gaps) / rate
        warnings.append(("gap", f"{lost:.3f} s are silence{places} at {first.start / rate:.3f} s: {first.why}"))
    if stretch.antiphase is not None:
        message = (
            f"the mean of the channels would lose {stretch.antiphase:.0f} dB: they cancel, so their difference or the loudest is taken"
        )
        warnings.append(("antiphase", message))
    return tuple(warnings)


def _check(stretch: Stretch, rate: int, length_ms: int) -> None:
    audio = stretch.audio
    got, promised = len(audio) / rate, length_ms / 1000
    check_gaps(stretch, rate, promised)
    if promised - got > MISSING_SECONDS or not len(audio):
        raise RowError("truncated", f"the file promised {promised:.3f} s here and held {got:.3f} s: it is cut short or damaged")
    check_samples(audio)


def check_samples(audio: Float32s) -> None:
    """(n,), not empty. Raises RowError "not_finite", and "silent" where the peak is below SILENT_PEAK."""
    if not np.isfinite(audio).all():
        raise RowError("not_finite", "the samples hold NaN or infinity")
    peak = max(audio.max(), -audio.min())
    if peak < SILENT_PEAK:
        raise RowError("silent", f"the peak is {peak:.1e}, below {SILENT_PEAK:g} of full scale")


def check_gaps(stretch: Stretch, rate: int, seconds: float) -> None:
    """Raises RowError "decode_failed" when a stretch that should last `seconds` has gaps of MOST_GAP_SECONDS or holds nothing else."""
    lost = sum(gap.frames for gap in stretch.gaps)
    if lost >= MOST_GAP_SECONDS * rate or (lost and lost >= len(stretch.audio)):
        where, why = stretch.gaps[0].start / rate, stretch.gaps[0].why
        raise RowError("decode_failed", f"{lost / rate:.3f} s of {seconds:.3f} s cannot be decoded, the first at {where:.3f} s: {why}")
