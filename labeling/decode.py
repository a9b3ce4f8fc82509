"""Spans of a file as mono audio at its own rate, in a stream: what lies between two spans is never kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from labeling.cosine import Float32s
from labeling.errors import RowError
from labeling.open_reader import open_reader, reader_after_damage

MISSING_SECONDS = 0.25
"""A span may end this much before what the container promised: containers round, encoders pad."""
SILENT_PEAK = 1e-4
"""-80 dBFS; dither of 16 bits lies at 3e-5."""


@dataclass(frozen=True)
class DecodedSpan:
    """audio: (n,) float32 mono at `sample_rate` Hz, the mean of the channels; full scale is 1."""

    start_ms: int
    length_ms: int
    audio: Float32s
    sample_rate: int


def decode_spans(file: BinaryIO, key: str, spans_ms: Sequence[tuple[int, int]]) -> Iterator[DecodedSpan | RowError]:
    """A seekable file and spans (start, length) in milliseconds, in order of time and not overlapping -> one result a span, in that order.

    A span that fails gives its RowError in its place and the others go on: "truncated" (ends more than MISSING_SECONDS early, or holds
    nothing), "not_finite", "silent" (peak below SILENT_PEAK), "decode_failed", "unreadable". A smaller shortfall gives a shorter array.
    Raises RowError when the file cannot be opened as audio (see labeling.open_reader), ValueError when the spans are out of order.
    """
    end = 0
    for start, length in spans_ms:
        if start < end or length <= 0:
            raise ValueError(f"{key}: spans must be in order of time, not overlap and not be empty")
        end = start + length
    reader = open_reader(file)
    for start, length in spans_ms:
        try:
            audio = reader.read(start * reader.rate // 1000, (start + length) * reader.rate // 1000)
            _check(audio, reader.rate, length)
        except RowError as error:
            yield error
            if error.reason == "decode_failed":
                reader = reader_after_damage(file, reader)
        else:
            yield DecodedSpan(start, length, audio, reader.rate)


def _check(audio: Float32s, rate: int, length_ms: int) -> None:
    got, promised = len(audio) / rate, length_ms / 1000
    if promised - got > MISSING_SECONDS or not len(audio):
        raise RowError("truncated", f"the file promised {promised:.3f} s here and held {got:.3f} s: it is cut short or damaged")
    if not np.isfinite(audio).all():
        raise RowError("not_finite", "the samples hold NaN or infinity")
    peak = max(audio.max(), -audio.min())
    if peak < SILENT_PEAK:
        raise RowError("silent", f"the peak is {peak:.1e}, below {SILENT_PEAK:g} of full scale")
