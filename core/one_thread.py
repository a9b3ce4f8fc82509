"""Runs a frozen encoder on one thread, inside a run that uses several."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread inside: the rounding of sums on a CPU depends on the number of threads, and processes with any number share embeddings."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
