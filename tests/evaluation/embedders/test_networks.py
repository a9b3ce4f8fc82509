"""What holds for every network that needs no hub: pure functions of the audio, and distances that grow with what is done to it."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from noise2music.core.audio.resample import resample
from noise2music.core.errors import UserError
from noise2music.evaluation.embedders.base import Embedder, load_embedder
from tests.evaluation.embedders.conftest import network
from tests.evaluation.embedders.sounds import RATE, SECONDS, frechet, low_passed, music, with_noise
from tests.small_clap import write_small_clap

ROWS = {"yamnet": (11, 1024), "musicnn": (2, 400), "resemblyzer": (6, 256), "starter": (1, 100)}
"""Of a clip of six seconds."""


def test_shapes_and_facts(embedder: Embedder) -> None:
    rows = embedder.embed(music()[0])
    assert rows.shape == ROWS[embedder.name]
    assert rows.dtype == np.float32
    assert embedder.dimension == rows.shape[1]
    assert embedder.unit == ("clip" if embedder.name == "starter" else "frame")
    assert len(embedder.identity) == 64
    assert int(embedder.identity, 16)


def test_the_shortest_audio_gives_one_row_and_shorter_none(embedder: Embedder) -> None:
    least = max(1, round(embedder.min_seconds * embedder.sample_rate))
    assert embedder.embed(music()[0][:least]).shape == (1, embedder.dimension)
    assert embedder.embed(music()[0][: least - 1]).shape == (0, embedder.dimension)


def test_a_row_depends_on_its_clip_alone(embedder: Embedder) -> None:
    """Bit for bit: again, after others, with torch on several threads, from several threads at once, and in memory that is not aligned."""
    clips = music()[:3]
    first = [embedder.embed(clip).tobytes() for clip in clips]
    assert [embedder.embed(clip).tobytes() for clip in reversed(clips)] == first[::-1]
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert embedder.embed(clips[0]).tobytes() == first[0]
        assert torch.get_num_threads() == 2
        with ThreadPoolExecutor(3, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            assert [rows.tobytes() for rows in pool.map(embedder.embed, clips * 2)] == first * 2
    finally:
        torch.set_num_threads(threads)
    shifted = np.zeros(len(clips[0]) + 1, np.float32)[1:]
    shifted[:] = clips[0]
    assert embedder.embed(shifted).tobytes() == first[0]


def test_another_process_gives_the_same(tmp_path: Path) -> None:
    clip = music()[0]
    np.save(tmp_path / "clip.npy", clip)
    names = [name for name in ("yamnet", "resemblyzer") if network(name)]
    script = (
        "import hashlib, numpy as np, sys\nfrom noise2music.evaluation.embedders.base import load_embedder\n"
        "clip = np.load(sys.argv[1])\nfor name in sys.argv[2:]:\n    embedder = load_embedder(name)\n"
        "    print(embedder.identity, hashlib.sha256(embedder.embed(clip).tobytes()).hexdigest())"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "clip.npy"), *names]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [f"{network(name).identity} {hashlib.sha256(network(name).embed(clip).tobytes()).hexdigest()}" for name in names]


def test_silence_and_loudness_stay_finite(embedder: Embedder) -> None:
    square = np.where(np.arange(SECONDS * RATE) % 40 < 20, 1.0, -1.0).astype(np.float32)
    for audio in (np.zeros(SECONDS * RATE, np.float32), square, np.full(SECONDS * RATE, 0.5, np.float32)):
        rows = embedder.embed(audio)
        assert len(rows)
        assert np.isfinite(rows).all()


def grows(distances: list[float]) -> bool:
    return all(left < right for left, right in pairwise(distances))


def test_distance_grows_with_noise_and_with_what_is_cut_off(embedder: Embedder) -> None:
    clips = music()[:4]
    clean = [embedder.embed(clip) for clip in clips]
    assert frechet(clean, clean) == pytest.approx(0, abs=1e-9)
    noisy = [[embedder.embed(with_noise(clip, level, seed)) for seed, clip in enumerate(clips)] for level in (35, 15, 0)]
    dull = [[embedder.embed(low_passed(clip, hertz)) for clip in clips] for hertz in (6000, 2000, 750)]
    assert grows([0.0, *(frechet(clean, rows) for rows in noisy)])
    assert grows([0.0, *(frechet(clean, rows) for rows in dull)])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_distance_grows_with_every_step_of_every_fault(embedder: Embedder) -> None:
    """40 clips; noise 40 to 0 dB below the music, low-pass 6 kHz to 750 Hz, pitch (as of a faster tape) by 1 to 6 semitones."""
    clips = music(40)
    clean = [embedder.embed(clip) for clip in clips]
    faults = {
        "noise": [[with_noise(clip, level, seed) for seed, clip in enumerate(clips)] for level in (40, 30, 20, 10, 0)],
        "low-pass": [[low_passed(clip, hertz) for clip in clips] for hertz in (6000, 3000, 1500, 750)],
        "pitch": [[resample(clip, round(RATE * 2 ** (semitones / 12)), RATE) for clip in clips] for semitones in (1, 2, 4, 6)],
    }
    for name, steps in faults.items():
        distances = [frechet(clean, [embedder.embed(clip) for clip in step]) for step in steps]
        assert grows([1e-9, *distances]), (name, distances)


def test_a_clap_model_is_a_network_of_one_row(tmp_path: Path) -> None:
    embedder = load_embedder(f"clap={write_small_clap(tmp_path / 'clap')}")
    rows = embedder.embed(resample(music()[0], RATE, embedder.sample_rate))
    assert rows.shape == (1, embedder.dimension)
    assert (embedder.name, embedder.unit, embedder.sample_rate) == ("clap", "clip", 48000)
    assert np.linalg.norm(rows) == pytest.approx(1, abs=1e-6)


def test_a_name_that_is_none(tmp_path: Path) -> None:
    for name in ("", "vgg", "yamnet=x", "clap"):
        with pytest.raises(UserError, match=r"there is no network .*Choose from: yamnet, musicnn"):
            load_embedder(name)
    with pytest.raises(UserError, match="is not a complete CLAP model"):
        load_embedder(f"clap={tmp_path}")
