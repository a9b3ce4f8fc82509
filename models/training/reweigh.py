"""A training run's averaged weights as a file of their own: another average than the one that was published, or half the bytes."""

import re
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from labeling.errors import UserError
from models.cascade.weights import WeightsHeader, read_weights_header, write_weights
from models.tensor_file import read_tensors
from models.training.post_hoc import Profile, coefficients

PROFILES, WEIGHTS = "profiles", "weights.safetensors"
_SNAPSHOT = re.compile(r"clips-(\d+)-width-([0-9.]+)\.safetensors")


def snapshot_path(folder: Path, profile: Profile) -> Path:
    """Where a run keeps a snapshot of a power-function average."""
    return folder / PROFILES / f"clips-{profile.clips:012d}-width-{profile.width}.safetensors"


def snapshots(folder: Path) -> list[Profile]:
    """The snapshots that a run has kept, by clips and width."""
    found = (_SNAPSHOT.fullmatch(path.name) for path in (folder / PROFILES).glob("*.safetensors"))
    return sorted((Profile(float(match[2]), int(match[1])) for match in found if match), key=lambda one: (one.clips, one.width))


def export_weights(
    folder: Path, output: Path, width: float | None = None, clips: int | None = None, precision: Literal["fp32", "fp16"] = "fp32"
) -> WeightsHeader:
    """Write weights of the run in `folder` to `output`: the published average, or with `width` the power-function average of that
    relative width as it stood after `clips` (None: at the newest snapshot), from all snapshots up to then.

    Raises UserError where the run has no weights, or no snapshots to make that average of.
    """
    if width is None:
        if clips is not None:
            raise UserError("the number of clips can be chosen for a power-function average only: give its width too.")
        path = folder / WEIGHTS
        header = read_weights_header(path)
        write_weights(output, read_tensors(path), header, precision)
        return header
    kept = snapshots(folder)
    if not kept:
        raise UserError(f"{folder} has no snapshots of averages. Train with checkpoints.profiles, for example [0.05, 0.1].")
    last = clips or kept[-1].clips
    used = [profile for profile in kept if profile.clips <= last]
    if not used or used[-1].clips != last:
        moments = ", ".join(f"{moment:,}" for moment in sorted({profile.clips for profile in kept}))
        raise UserError(f"{folder} has no snapshot after {last:,} clips; it has them after {moments}.")
    header = read_weights_header(snapshot_path(folder, used[-1]))
    header = header.model_copy(update={"average": f"power function, width {width}, from {len(used)} snapshots"})
    write_weights(output, _combined(folder, used, Profile(width, last)), header, precision)
    return header


def _combined(folder: Path, used: list[Profile], wanted: Profile) -> dict[str, Tensor]:
    summed: dict[str, Tensor] = {}
    for profile, share in zip(used, coefficients(used, wanted).tolist(), strict=True):
        path = snapshot_path(folder, profile)
        if read_weights_header(path).clips != profile.clips:
            raise UserError(f"{path} is not of the moment that its name says. Restore it, or remove it.")
        for name, tensor in read_tensors(path).items():
            summed[name] = summed.get(name, torch.zeros_like(tensor, dtype=torch.float64)) + share * tensor.double()
    return {name: tensor.float() for name, tensor in summed.items()}
