"""Small systems on a disk: folders of short clips, each a tone of its own."""

from pathlib import Path

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.encode import audio_bytes

PROMPTS = 5
RATES = {"ours": 16_000, "theirs": 32_000, "real": 44_100}


def tone(hertz: float, seconds: float, rate: int, level: float) -> Float32s:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def write_systems(folder: Path, prompts: int = PROMPTS, seconds: float = 0.6) -> list[str]:
    """A folder for each of RATES with clips p0.flac, p1.flac, ... of `seconds`, at unlike levels; and prompts.csv. Gives the folders."""
    for number, (name, rate) in enumerate(RATES.items()):
        (folder / name).mkdir(parents=True)
        for prompt in range(prompts):
            audio = tone(300 + 90 * prompt + 31 * number, seconds * (1 + number / 10), rate, 0.05 + 0.15 * number)
            (folder / name / f"p{prompt}.flac").write_bytes(audio_bytes(audio, rate))
    lines = [f'p{prompt},"A tone, number {prompt}, <b>held</b>"' for prompt in range(prompts)]
    (folder / "prompts.csv").write_text("\n".join(["key,prompt", *lines]) + "\n", encoding="utf-8")
    return [str(folder / name) for name in RATES]
