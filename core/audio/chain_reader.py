"""Reads several files or streams that were joined into one file as one recording."""

from collections.abc import Callable, Sequence

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.reader import Gap, Reader, Stretch
from noise2music.core.audio.resample import resample


class ChainReader:
    """See core.audio.reader.Reader. Rate, channels and format are those of the first file; other rates are resampled.

    Each file is opened once to learn its length, and again when it is read, so only one is open at a time.
    claimed: the length that the whole claims. Raises what the openers raise.
    """

    def __init__(self, openers: Sequence[Callable[[], Reader]], claimed: int | None = None) -> None:
        self._openers = openers
        lengths = []
        for number, opener in enumerate(openers):
            reader = opener()
            if not number:
                self.format, self.rate, self.channels, self.claimed = reader.format, reader.rate, reader.channels, reader.claimed
            self.channels = max(self.channels, reader.channels)
            lengths.append(round(reader.frames * self.rate / reader.rate))
        self._ends = [int(end) for end in np.cumsum(lengths)]
        self._open: tuple[int, Reader] | None = None
        self.frames = self._ends[-1]
        self.claimed = self.claimed if claimed is None else claimed

    def read(self, start: int, end: int) -> Stretch:
        """See core.audio.reader.Reader. Each file is checked by itself for channels that cancel."""
        pieces: list[Float32s] = []
        gaps: list[Gap] = []
        antiphase: float | None = None
        begin = 0
        for number, stop in enumerate(self._ends):
            first, last = max(start, begin), min(end, stop)
            if first < last:
                if self._open is None or self._open[0] != number:
                    self._open = number, self._openers[number]()
                stretch = self._read(self._open[1], first - begin, last - begin)
                pieces.append(stretch.audio)
                gaps += [Gap(gap.start + begin, gap.frames, gap.why) for gap in stretch.gaps]
                antiphase = stretch.antiphase if antiphase is None else antiphase
            begin = stop
        return Stretch(np.concatenate(pieces) if pieces else np.zeros(0, np.float32), tuple(gaps), antiphase)

    def _read(self, reader: Reader, start: int, end: int) -> Stretch:
        if reader.rate == self.rate:
            stretch = reader.read(start, end)
            short = end - start - len(stretch.audio)
            if short <= 0:
                return stretch
            gap = Gap(start + len(stretch.audio), short, "the file ends early")
            return Stretch(np.pad(stretch.audio, (0, short)), (*stretch.gaps, gap), stretch.antiphase)
        scale = reader.rate / self.rate
        stretch = reader.read(round(start * scale), round(end * scale))
        audio = resample(stretch.audio, reader.rate, self.rate)[: end - start]
        gaps = [Gap(round(gap.start / scale), round(gap.frames / scale), gap.why) for gap in stretch.gaps]
        short = end - start - len(audio)
        if short > 0.01 * self.rate:
            gaps.append(Gap(start + len(audio), short, "the file ends early"))
        return Stretch(np.pad(audio, (0, max(0, short))), tuple(gaps), stretch.antiphase)
