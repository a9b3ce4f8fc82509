"""Networks whose weights are fetched: loaded once for all tests of this folder, or the reason why they cannot be had."""

from functools import cache

import pytest

from noise2music.core.errors import UserError
from noise2music.evaluation.embedders.base import Embedder, load_embedder

NETWORKS = ("yamnet", "musicnn", "resemblyzer", "starter")


@cache
def _loaded(name: str) -> Embedder | str:
    try:
        return load_embedder(name)
    except UserError as error:
        return str(error)


def network(name: str) -> Embedder:
    """Skips where the weights cannot be fetched, and fails on every other error."""
    loaded = _loaded(name)
    if isinstance(loaded, str):
        if "the package installer failed" not in loaded:
            pytest.fail(loaded)
        pytest.skip(loaded)
    return loaded


@pytest.fixture(params=NETWORKS)
def embedder(request: pytest.FixtureRequest) -> Embedder:
    """Each network that needs no hub."""
    return network(request.param)
