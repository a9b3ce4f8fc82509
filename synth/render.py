"""One rendered piece: the score played, mixed and mastered."""

from dataclasses import dataclass

import numpy as np

from noise2music.core.errors import UserError
from noise2music.synth.arrangement import Beat, Part
from noise2music.synth.composer import Composition, compose
from noise2music.synth.drums import stroke
from noise2music.synth.effects import driven, levelled, mastered, reverberated, trembling
from noise2music.synth.engines import sound
from noise2music.synth.oscillators import Float32s
from noise2music.synth.parts import tick_to_sample
from noise2music.synth.truth import Truth

VERSION = 1
_LOUDNESS_STEPS = 5


@dataclass(frozen=True)
class Piece:
    """Audio (samples,) float32 mono in steps of a 16-bit file, and what is true of it."""

    audio: Float32s
    sample_rate: int
    truth: Truth
    title: str
    artist: str


def render_piece(seed: int, index: int, seconds: float = 30.0, sample_rate: int = 24000) -> Piece:
    """Piece `index` of a seed: the same bytes on every machine, whatever else is rendered. Raises UserError."""
    return render(compose(seed, index, seconds), sample_rate)


def render(composition: Composition, sample_rate: int = 24000) -> Piece:
    """A composition played at `sample_rate` (22050 to 48000 Hz). Raises UserError."""
    if not 22050 <= sample_rate <= 48000:
        raise UserError(f"a piece cannot be rendered at {sample_rate} Hz; choose between 22050 and 48000")
    samples = int(composition.seconds * sample_rate)
    mix = np.zeros(samples, np.float32)
    for part in composition.parts:
        mix += part_track(part, composition.truth.bpm, samples, sample_rate)
    mix = reverberated(mix, composition.room, sample_rate)
    if composition.beat is not None:
        dry = drum_track(composition.beat, composition.truth.bpm, samples, sample_rate)
        # Drums stand nearer than the other players.
        mix += reverberated(dry, composition.room.nearer(), sample_rate)
    return Piece(mastered(mix, sample_rate), sample_rate, composition.truth, composition.title, composition.artist)


def part_track(part: Part, bpm: int, samples: int, sample_rate: int) -> Float32s:
    """One player alone, dry, at its level in the mix."""
    track = np.zeros(samples, np.float32)
    heard: dict[tuple[int, int, int], Float32s] = {}
    for note in part.notes:
        start = tick_to_sample(note.start, bpm, sample_rate)
        loudness = max(1, int(note.velocity * _LOUDNESS_STEPS + 0.5))
        key = (note.pitch, note.ticks, loudness)
        if key not in heard:
            held = tick_to_sample(note.ticks, bpm, sample_rate)
            heard[key] = sound(part.preset.engine, note.pitch, part.cents, held, loudness / _LOUDNESS_STEPS, sample_rate)
        tone = heard[key][: samples - start]
        track[start : start + len(tone)] += tone
    if part.preset.drive:
        track = driven(track, part.preset.drive)
    if part.preset.tremolo:
        track = trembling(track, *part.preset.tremolo, sample_rate)
    return levelled(track, part.level)


def drum_track(beat: Beat, bpm: int, samples: int, sample_rate: int) -> Float32s:
    """The drummer alone, dry."""
    track = np.zeros(samples, np.float32)
    for hit in beat.strokes:
        start = tick_to_sample(hit.start, bpm, sample_rate)
        tone = stroke(beat.kit, hit.name, sample_rate)[: max(0, samples - start)]
        track[start : start + len(tone)] += tone * np.float32(hit.velocity)
    return levelled(track, beat.level)
