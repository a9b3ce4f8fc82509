"""Random numbers of a training example or clip: a pure function of (seed, number, purpose), whatever the batch, rank or order."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from noise2music.core.ids import hash_uniform, id_to_int, mix, stable_id

GOLDEN = 0.6180339887498949


def uniforms(seed: int, numbers: Sequence[int], purpose: str) -> Tensor:
    """(B,) uniform in (0, 1), double precision."""
    return torch.from_numpy(hash_uniform(seed, _key(purpose), np.asarray(numbers, np.uint64)))


def spread_uniforms(seed: int, numbers: Sequence[int], purpose: str) -> Tensor:
    """(B,) uniform in [0, 1): steps of the golden ratio, so that any run of neighbours covers the interval evenly."""
    start = float(hash_uniform(seed, _key(purpose))[0])
    return torch.from_numpy((start + np.asarray(numbers, np.float64) * GOLDEN) % 1.0)


def normals(seed: int, numbers: Sequence[int], purpose: str, shape: Sequence[int], device: torch.device) -> Tensor:
    """(B, *shape) standard normal. Each example has a generator of its own, on the device."""
    state = mix(np.array([seed & (2**64 - 1)], np.uint64))
    seeds = mix(mix(state ^ mix(_key(purpose))) ^ mix(np.asarray(numbers, np.uint64)))
    noise = torch.empty(len(numbers), *shape, device=device)
    generator = torch.Generator(device)
    for row, number in enumerate(seeds.tolist()):
        generator.manual_seed(number >> 1)
        noise[row].normal_(generator=generator)
    return noise


def _key(purpose: str) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array([id_to_int(stable_id(purpose))], np.uint64)
