"""Folders of small clips: tones with noise, each a function of its key."""

from pathlib import Path

import numpy as np
import soundfile

from noise2music.core.arrays import Float32s
from noise2music.core.ids import id_to_int, stable_id
from tests.evaluation.small_networks import TONES, WORDS

RATE = 16000


def tone(key: str, seconds: float = 2.0, noise: float = 0.05, level: float = 0.2, salt: str = "") -> Float32s:
    """(samples,) at RATE: one of TONES, by the number in the key, with an envelope and noise of its own."""
    random = np.random.default_rng(id_to_int(stable_id(key, salt)))
    time = np.arange(round(seconds * RATE)) / RATE
    sound = np.sin(2 * np.pi * TONES[int(key[-2:]) % 3] * random.uniform(0.95, 1.05) * time)
    sound *= 1 + 0.4 * np.sin(random.uniform(3, 9) * time)
    return (level * (sound + noise * random.standard_normal(len(time)))).astype(np.float32)


def keys(count: int) -> list[str]:
    return [f"k{place:02d}" for place in range(count)]


def write_clips(folder: Path, count: int, **how: float | str) -> Path:
    """So many wav files, 16 bit."""
    folder.mkdir(parents=True, exist_ok=True)
    for key in keys(count):
        soundfile.write(folder / f"{key}.wav", tone(key, **how), RATE, subtype="PCM_16")  # type: ignore[arg-type]
    return folder


def write_prompts(path: Path, count: int) -> Path:
    path.write_text("key,prompt\n" + "".join(f"{key},a {WORDS[place % 3]} tone\n" for place, key in enumerate(keys(count))))
    return path
