"""Requests become clips."""

from collections.abc import Sequence

from labeling.errors import RowError
from models.generation.cascade import Cascade
from models.generation.request import Made, Request


def generate_requests(cascade: Cascade, requests: Sequence[Request], workers: int = 1) -> list[Made | RowError]:
    """A clip or what is wrong with it for each request, in their order.

    workers: threads that make clips on a CPU, each on one thread of torch; their number changes no bit.
    """
    raise NotImplementedError
