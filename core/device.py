"""Chooses the device for tensors."""

from typing import Literal

import torch

from noise2music.core.errors import UserError


def choose_device(device: str) -> Literal["cpu", "cuda"]:
    """ "auto" -> "cuda" where there is one, else "cpu". Raises UserError when "cuda" is asked for and there is none."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError('run.device = "cuda", but torch sees no CUDA device. Set run.device = "auto" or mend the driver.')
    return "cuda" if device != "cpu" and available else "cpu"
