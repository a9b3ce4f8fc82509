"""Single notes and strokes: right pitch, sane level, no click, exact arithmetic."""

import math
from dataclasses import replace

import numpy as np
import pytest

from noise2music.synth.additive import Additive
from noise2music.synth.drums import STROKES, kits, stroke
from noise2music.synth.effects import Reverb, centred, energy, mastered, reverberated
from noise2music.synth.engines import Engine, Fm, Pluck, sound
from noise2music.synth.instruments import instruments, soloists
from noise2music.synth.oscillators import CYCLE, exact, harmonic_table, phases, pitch_hertz, read, sine_table

RATE = 24000
PRESETS = [
    pytest.param(timbre, preset, id=f"{timbre.name}-{preset.name}") for timbre in instruments().values() for preset in timbre.presets
]


def alone(engine: Engine) -> Engine:
    """The engine with one voice in tune and no vibrato, so that a spectrum has one peak a partial."""
    match engine:
        case Additive() | Fm():
            return replace(engine, voices=(0.0,), vibrato=None)
        case Pluck():
            return replace(engine, courses=(0.0,))
        case _:
            return engine


def peak_near(audio, hertz):
    """The frequency of the strongest component within half a semitone of `hertz`, and how far it is below the strongest of all (dB)."""
    points = 1 << 18
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), points))
    frequencies = np.arange(len(spectrum)) * RATE / points
    near = np.flatnonzero(np.abs(np.log2(np.maximum(frequencies, 1) / hertz)) < 1 / 24)
    best = near[spectrum[near].argmax()]
    left, middle, right = np.log(spectrum[best - 1 : best + 2])
    offset = 0.5 * (left - right) / (left - 2 * middle + right)
    return (best + offset) * RATE / points, 20 * math.log10(spectrum[best] / spectrum.max())


@pytest.mark.parametrize(("timbre", "preset"), PRESETS)
def test_every_preset_is_in_tune_and_at_a_sane_level(timbre, preset):
    for pitch in (timbre.low, (timbre.low + timbre.high) // 2, timbre.high):
        note = sound(alone(preset.engine), pitch, 0.0, RATE, 0.8, RATE)
        hertz, below = peak_near(note[:RATE].astype(float), pitch_hertz(pitch))
        assert abs(1200 * math.log2(hertz / pitch_hertz(pitch))) < 5
        assert below > -26
        full = sound(preset.engine, pitch, 0.0, RATE // 2, 1.0, RATE)
        assert np.isfinite(full).all()
        assert 0.2 < np.abs(full).max() < 4
        assert abs(full.mean()) < 0.02 * np.abs(full).max()


@pytest.mark.parametrize(("timbre", "preset"), PRESETS)
def test_notes_start_and_end_without_a_click(timbre, preset):
    note = sound(preset.engine, (timbre.low + timbre.high) // 2, 0.0, RATE // 4, 1.0, RATE)
    assert np.abs(note[-8:]).max() < 1e-3 * np.abs(note).max()
    assert abs(note[0]) < 0.6 * np.abs(note).max()


def test_unisons_are_centred_on_the_note():
    for timbre in instruments().values():
        for preset in timbre.presets:
            detuned = getattr(preset.engine, "voices", None) or getattr(preset.engine, "courses", (0.0,))
            assert abs(sum(detuned) / len(detuned)) <= 2.5


def test_cents_move_the_pitch():
    engine = alone(instruments()["violin"].presets[0].engine)
    hertz, _ = peak_near(sound(engine, 69, 40.0, RATE, 0.8, RATE)[:RATE].astype(float), pitch_hertz(69, 40.0))
    assert hertz == pytest.approx(440.0 * 2 ** (40 / 1200), rel=5e-4)


def test_louder_notes_are_brighter():
    for name in ("piano", "trumpet", "electric piano"):
        soft, loud = (sound(instruments()[name].presets[0].engine, 62, 0.0, RATE // 2, velocity, RATE) for velocity in (0.3, 1.0))
        shares = []
        for note in (soft, loud):
            power = np.abs(np.fft.rfft(note.astype(float))) ** 2
            shares.append(power[len(power) // 8 :].sum() / power.sum())
        assert shares[1] > shares[0]


def test_there_are_enough_instruments_and_presets():
    assert len(instruments()) >= 12
    assert all(len(timbre.presets) >= 3 for timbre in instruments().values())
    assert all(len({preset.name for preset in timbre.presets}) == len(timbre.presets) for timbre in instruments().values())
    assert set(soloists()) <= set(instruments())


@pytest.mark.parametrize("kit", kits(), ids=lambda kit: kit.preset)
def test_every_stroke_sounds_and_dies(kit):
    for rate in (22050, 24000, 48000):
        for name in STROKES:
            audio = stroke(kit, name, rate)
            assert 0.1 < np.abs(audio).max() < 4
            assert np.abs(audio[-8:]).max() < 1e-3
            assert not audio.flags.writeable
    with pytest.raises(ValueError, match="no stroke"):
        stroke(kit, "gong", RATE)


def test_phases_are_exact_and_wrap():
    turned = phases(1000.0, 1 << 17, RATE, 123)
    step = math.floor(1000.0 / RATE * CYCLE + 0.5)
    assert turned.dtype == np.uint32
    assert [int(turned[place]) for place in (0, 1, 99_999)] == [(123 + step * place) % (1 << 32) for place in (0, 1, 99_999)]


def test_tables_hold_the_waves_they_are_named_after():
    assert np.abs(sine_table() - np.sin(2 * np.pi * np.arange(8192) / 8192)).max() < 2**-22
    spectrum = np.abs(np.fft.rfft(harmonic_table([(1, 0.5), (3, 0.25)]).astype(float))) / 4096
    assert spectrum[[1, 2, 3]] == pytest.approx([0.5, 0.0, 0.25], abs=1e-6)
    assert read(sine_table(), np.array([1 << 30], np.uint32))[0] == 1.0


def test_exact_forgets_the_last_bits():
    assert exact(math.nextafter(math.pi, 4)) == exact(math.pi)
    assert exact(math.pi) == pytest.approx(math.pi, abs=2**-25)


def test_reverb_decays_by_60_db_in_its_time():
    click = np.zeros(3 * RATE, np.float32)
    click[100] = 1.0
    wet = reverberated(click, Reverb(0.5, 1.0, 0.0), RATE).astype(float)
    early = (wet[int(0.1 * RATE) : int(0.3 * RATE)] ** 2).sum()
    late = (wet[int(1.1 * RATE) : int(1.3 * RATE)] ** 2).sum()
    assert 10 * math.log10(early / late) == pytest.approx(60.0, abs=5)


def test_mastering_removes_dc_and_reaches_its_peak():
    swing = (0.3 + 0.1 * np.sin(np.arange(RATE) * 0.3)).astype(np.float32)
    assert abs(centred(swing, RATE).mean()) < 1e-3
    done = mastered(swing, RATE)
    assert 20 * math.log10(np.abs(done).max()) == pytest.approx(-1.0, abs=0.01)
    assert (done * 32768 == np.rint(done * 32768)).all()
    assert not mastered(np.zeros(RATE, np.float32), RATE).any()


def test_energy_does_not_depend_on_the_order_of_samples():
    audio = sound(instruments()["piano"].presets[0].engine, 60, 0.0, RATE, 1.0, RATE)
    assert energy(audio) == energy(audio[::-1]) == sum(round(float(sample) * 32768) ** 2 for sample in audio)
