"""What happens to whole parts and to the mix: distortion, tremolo, reverb, levels.

Elementwise or block by block, never by FFT or dot products (see `oscillators`).
"""

import math
from dataclasses import dataclass

import numpy as np

from noise2music.core.ids import hash_uniform
from noise2music.synth.oscillators import Float32s, exact, phases, read, sine_table

SQUARES = float(1 << 30)


@dataclass(frozen=True)
class Reverb:
    """A room: `wet` is its share of the sound (0..0.5), `seconds` until it has fallen by 60 dB, `damping` 0..0.45 dulls it."""

    wet: float
    seconds: float
    damping: float

    def nearer(self) -> "Reverb":
        """The same room, heard from close to the player."""
        return Reverb(0.4 * self.wet, self.seconds, self.damping)


def energy(audio: Float32s) -> int:
    """Sum of squares of the samples in steps of 2**-15, as an exact integer (no order of summing can change it)."""
    whole = np.rint(audio * np.float32(32768.0)).astype(np.int64)
    return int((whole * whole).sum())


def loudness(audio: Float32s, samples: int) -> float:
    """RMS over `samples` samples."""
    return math.sqrt(energy(audio) / SQUARES / max(1, samples))


def levelled(audio: Float32s, rms: float) -> Float32s:
    """The same sound with this RMS where it is not silent; silence stays."""
    sounding = int(np.count_nonzero(audio))
    now = loudness(audio, sounding)
    return audio * np.float32(rms / now) if now else audio


def driven(audio: Float32s, amount: float) -> Float32s:
    """Soft clipping x / (1 + |x|), then a low-pass as a loudspeaker has. `amount` 1 is a light overdrive."""
    pushed = levelled(audio, 0.5 * amount)
    clipped: Float32s = (pushed / (np.float32(1.0) + np.abs(pushed))).astype(np.float32, copy=False)
    for _ in range(2 if amount < 2 else 3):
        clipped = smoothed(clipped)
    return clipped


def smoothed(audio: Float32s) -> Float32s:
    """A gentle low-pass: (1, 2, 1) / 4."""
    result = audio * np.float32(0.5)
    result[1:] += audio[:-1] * np.float32(0.25)
    result[:-1] += audio[1:] * np.float32(0.25)
    return result


def trembling(audio: Float32s, hertz: float, depth: float, sample_rate: int) -> Float32s:
    """Loudness that swings between 1 and 1 - depth."""
    swing = read(sine_table(), phases(hertz, len(audio), sample_rate))
    return audio * (np.float32(1.0 - depth / 2) + swing * np.float32(depth / 2))


def reverberated(audio: Float32s, room: Reverb, sample_rate: int) -> Float32s:
    """The sound in a room: sparse random echoes, then four damped feedback combs (after Schroeder, 1962)."""
    if room.wet <= 0:
        return audio
    early = np.zeros_like(audio)
    draws = hash_uniform(5, np.arange(48, dtype=np.uint64))
    for place in range(24):
        delay = int((place + float(draws[place])) * 0.0025 * sample_rate) + 1
        sign = 1.0 if draws[24 + place] < 0.5 else -1.0
        early[delay:] += audio[: len(audio) - delay] * np.float32(sign * exact(0.3 * (1.0 - place / 30.0)))
    late = np.zeros_like(audio)
    for seconds in (0.0297, 0.0371, 0.0411, 0.0437):
        late += _comb(early, int(seconds * sample_rate), exact(math.pow(10.0, -3.0 * seconds / room.seconds)), room.damping)
    wet = levelled(early * np.float32(0.5) + late, loudness(audio, int(np.count_nonzero(audio))))
    return audio * np.float32(1.0 - room.wet) + wet * np.float32(room.wet)


def _comb(audio: Float32s, delay: int, feedback: float, damping: float) -> Float32s:
    """y[n] = x[n] + feedback * ((1 - damping) y[n - delay] + damping y[n - delay - 1]), a block of `delay` samples at a time."""
    blocks = (len(audio) + delay - 1) // delay
    output = np.zeros(blocks * delay + 1, np.float32)
    output[1 : len(audio) + 1] = audio
    straight, dull = np.float32(feedback * (1.0 - damping)), np.float32(feedback * damping)
    for start in range(1 + delay, blocks * delay + 1, delay):
        before = output[start - delay - 1 : start]
        output[start : start + delay] += before[1:] * straight + before[:-1] * dull
    return output[1 : len(audio) + 1]


def centred(audio: Float32s, sample_rate: int) -> Float32s:
    """The sound (0.1 s at least) less its running mean over 0.1 s: no constant part, nothing below 10 Hz."""
    half, length = sample_rate // 20, len(audio)
    # Whole numbers, so that the running sum is exact.
    sums = np.zeros(length + 1 + 2 * half, np.int64)
    np.cumsum(np.rint(audio * np.float32(1 << 20)).astype(np.int64), out=sums[half + 1 : half + 1 + length])
    sums[half + 1 + length :] = sums[half + length]
    window = np.full(length, 2 * half + 1, np.float32)
    window[:half] = np.arange(half + 1, 2 * half + 1, dtype=np.float32)
    window[length - half :] = window[half - 1 :: -1]
    mean = (sums[2 * half + 1 :] - sums[:length]).astype(np.float32) / (window * np.float32(1 << 20))
    return audio - mean


def mastered(audio: Float32s, sample_rate: int, rms: float = 0.15, peak: float = 0.8912) -> Float32s:
    """The mix at its final level: limited softly above half of full scale, ends faded, peak at -1 dBFS, in steps of a 16-bit file."""
    level = levelled(centred(audio, sample_rate), rms)
    size = np.abs(level)
    over = np.maximum(size - np.float32(0.5), np.float32(0.0)) * np.float32(2.0)
    limited = np.minimum(size, np.float32(0.5)) + np.float32(0.5) * over / (np.float32(1.0) + over)
    limited = np.where(level < 0, -limited, limited)
    fade_in, fade_out = min(len(audio), sample_rate // 200), min(len(audio), sample_rate // 2)
    limited[:fade_in] *= np.arange(fade_in, dtype=np.float32) / np.float32(fade_in)
    left = np.arange(fade_out, 0, -1, dtype=np.float32) / np.float32(fade_out)
    limited[len(audio) - fade_out :] *= left
    highest = float(np.abs(limited).max()) if len(audio) else 0.0
    if highest == 0.0:
        return limited
    steps = np.rint(limited * np.float32(peak * 32767.0 / highest))
    return (steps / np.float32(32768.0)).astype(np.float32)
