"""The weights that a training kept: those of earlier moments and the newest."""

import re
from pathlib import Path

from noise2music.core.errors import UserError
from noise2music.models.cascade.weights import read_weights_header
from noise2music.models.training.ema import WEIGHTS

_MOMENT = re.compile(r"clips-(\d+)\.safetensors")


def kept_weights(folder: Path, every: int | None = None) -> dict[int, Path]:
    """The weights of a stage's training folder, by clips seen.

    Args:
        folder: of one stage, OUT/STAGE.
        every: of the moments only the first at or after each multiple of so many clips, and the newest. None: all.

    Returns:
        Clips -> file, from the earliest to the newest.

    Raises:
        UserError: the folder holds no weights, or a file is not of the moment that its name says.
    """
    found: dict[int, Path] = {}
    for path in sorted((folder / "weights").glob("*.safetensors")):
        if match := _MOMENT.fullmatch(path.name):
            if read_weights_header(path).clips != int(match[1]):
                raise UserError(f"{path} is not of the moment that its name says. Restore it, or remove it.")
            found[int(match[1])] = path
    newest = folder / WEIGHTS
    if newest.is_file():
        found.setdefault(read_weights_header(newest).clips, newest)
    if not found:
        raise UserError(f"{folder} holds no weights. Give the folder of one stage of a training, OUT/STAGE.")
    chosen: list[int] = []
    for clips in sorted(found):
        if every is None or not chosen or clips // every > chosen[-1] // every:
            chosen.append(clips)
    return {clips: found[clips] for clips in (*chosen, *({max(found)} - set(chosen)))}
