"""Whole pieces: the same bytes anywhere, sane levels, and truth that can be measured in the sound."""

import hashlib
import math
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from noise2music.core.errors import UserError
from noise2music.synth.composer import compose
from noise2music.synth.harmony import KEYS
from noise2music.synth.render import part_track, render, render_piece

GOLDEN = {
    (7, 3): "f302e530ca9c9feb417c1c8b61a581e7929cdc6e9808f741d59bb6b61a18371f",
    (0, 9): "f304c740a5235f1c4e52db77cde38aa42aa6edd8b1b152268fd4cdeff0e8991e",
    (2, 0): "fddc1d417deea397bb15057a81db959d34ce64152d2ee186c9cf435e9ef527ae",
}
RATE = 24000
SECONDS = 11.0


@cache
def pieces():
    return [render_piece(1, index, SECONDS) for index in range(36)]


def fingerprint(seed, index):
    audio = render_piece(seed, index, 6.0).audio
    return hashlib.sha256((audio * 32768).astype("<i2").tobytes()).hexdigest()


def spectra(audio, size=1024, hop=240):
    """(frames, bins) magnitudes, a frame every `hop` samples."""
    padded = np.concatenate([np.zeros(size // 2), audio.astype(float)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    return np.abs(np.fft.rfft(frames * np.hanning(size)))


def tempo(audio):
    """The bpm at which the onset envelope repeats most."""
    magnitudes = spectra(audio)
    level = np.log1p(100 * magnitudes / magnitudes.max())
    onsets = np.maximum(np.diff(level, axis=0), 0).sum(1)
    onsets -= np.convolve(onsets, np.ones(100) / 100, "same")
    again = np.correlate(onsets, onsets, "full")[len(onsets) - 1 :]
    candidates = np.arange(50, 200, 0.5)
    lags = 60.0 * RATE / 240 / candidates
    places = np.arange(len(again))
    return candidates[(np.interp(lags, places, again) + np.interp(2 * lags, places, again)).argmax()]


@pytest.mark.parametrize(("seed", "index"), GOLDEN)
def test_bytes_are_those_that_were_committed(seed, index):
    assert fingerprint(seed, index) == GOLDEN[seed, index]


def test_bytes_do_not_depend_on_the_processor():
    features = np._core._multiarray_umath.__cpu_features__
    dispatched = [name for name in np._core._multiarray_umath.__cpu_dispatch__ if features.get(name)]
    if not dispatched:
        pytest.skip("numpy has no optional instructions to switch off on this machine")
    code = (
        "import hashlib; from noise2music.synth.render import render_piece; audio = render_piece(7, 3, 6.0).audio; "
        "print(hashlib.sha256((audio * 32768).astype('<i2').tobytes()).hexdigest())"
    )
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(dispatched)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == GOLDEN[7, 3]


def test_a_piece_does_not_depend_on_what_was_rendered_before():
    again = [render_piece(1, index, SECONDS) for index in (5, 2, 5)]
    for piece, index in zip(again, (5, 2, 5), strict=True):
        assert piece.audio.tobytes() == pieces()[index].audio.tobytes()
        assert piece.truth == pieces()[index].truth


def test_pieces_differ():
    assert len({piece.audio.tobytes() for piece in pieces()}) == len(pieces())


def test_levels_are_those_of_finished_music():
    for piece in pieces():
        audio = piece.audio.astype(float)
        assert audio.shape == (int(SECONDS * RATE),)
        assert piece.audio.dtype == np.float32
        assert (audio * 32768 == np.rint(audio * 32768)).all()
        assert 20 * math.log10(np.abs(audio).max()) == pytest.approx(-1.0, abs=0.02)
        assert -24 < 10 * math.log10((audio**2).mean()) < -12
        assert abs(audio.mean()) < 2e-3


def test_nothing_is_silent_for_half_a_second():
    for piece in pieces():
        frames = piece.audio.astype(float)[: len(piece.audio) // 600 * 600].reshape(-1, 600)
        quiet = np.sqrt((frames**2).mean(1)) < 1e-3
        edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet, [0]])))
        assert ((edges[1::2] - edges[::2]) * 600 / RATE < 0.5).all()


def test_tempo_can_be_measured_where_there_are_drums():
    right = []
    for piece in pieces():
        if piece.truth.drums:
            ratio = tempo(piece.audio) / piece.truth.bpm
            right.append(min(abs(ratio / octave - 1) for octave in (0.5, 1, 2)) < 0.04)
    assert len(right) > 15
    assert sum(right) >= 0.9 * len(right)


def test_drums_can_be_told_by_the_flux_of_the_treble():
    flux: dict[bool, list[float]] = {True: [], False: []}
    for piece in pieces():
        magnitudes = spectra(piece.audio)
        treble = magnitudes[:, magnitudes.shape[1] * 5 // 12 :].sum(1)
        flux[piece.truth.drums].append(np.maximum(np.diff(treble), 0).sum() / magnitudes.sum())
    pairs = np.array(flux[True])[:, None] > np.array(flux[False])
    assert pairs.mean() > 0.97


def test_register_orders_the_spectral_centroid_of_the_lead():
    centroids: dict[str, list[float]] = {"low": [], "middle": [], "high": []}
    for index in range(40):
        composition = compose(1, index, 6.0)
        power = np.abs(np.fft.rfft(part_track(composition.parts[0], composition.truth.bpm, 6 * RATE, RATE).astype(float))) ** 2
        centroids[composition.truth.register].append((power * np.arange(len(power))).sum() / power.sum() / 6)
    low, middle, high = (np.median(centroids[name]) for name in ("low", "middle", "high"))
    assert low < 0.8 * middle
    assert middle < 0.8 * high


def test_mode_can_be_heard_as_the_third_above_the_tonic():
    right = []
    for piece in pieces():
        magnitudes = spectra(piece.audio, 8192, 2400)
        hertz = np.arange(magnitudes.shape[1]) * RATE / 8192
        audible = (hertz > 100) & (hertz < 1600)
        classes = np.round(69 + 12 * np.log2(hertz[audible] / 440)).astype(int) % 12
        chroma = np.bincount(classes, weights=magnitudes[:, audible].sum(0), minlength=12) / np.bincount(classes, minlength=12)
        tonic = KEYS.index(piece.truth.key)
        right.append((chroma[(tonic + 4) % 12] > chroma[(tonic + 3) % 12]) == (piece.truth.mode == "major"))
    assert sum(right) >= 0.85 * len(right)


@pytest.mark.parametrize("rate", [22050, 44100, 48000])
def test_other_rates_say_the_same(rate):
    composition = compose(1, 9, 3.0)
    piece = render(composition, rate)
    assert len(piece.audio) == 3 * rate
    size = min(rate, RATE) * 3 // 2 // 4
    one, other = (np.abs(np.fft.rfft(audio.astype(float)))[60:size] for audio in (piece.audio, render(composition).audio))
    assert np.corrcoef(one, other)[0, 1] > 0.9


@pytest.mark.parametrize("rate", [8000, 96000])
def test_rates_out_of_bounds_are_an_error(rate):
    with pytest.raises(UserError, match="between 22050 and 48000"):
        render_piece(0, 0, 2.0, rate)
