"""Where torch computes: the device, and the number of threads."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from noise2music.core.errors import UserError


def choose_device(device: str) -> Literal["cpu", "cuda"]:
    """ "auto" -> "cuda" where there is one, else "cpu". Raises UserError when "cuda" is asked for and there is none."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError('run.device = "cuda", but torch sees no CUDA device. Set run.device = "auto" or mend the driver.')
    return "cuda" if device != "cpu" and available else "cpu"


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread for a frozen encoder inside a run that uses several.

    The rounding of sums on a CPU depends on the number of threads, and processes with any number share embeddings.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
