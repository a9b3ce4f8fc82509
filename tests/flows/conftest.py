"""Fixtures that tests of flows share."""

from collections.abc import Iterator

import pytest

from tests.flows.prefect_server import Server, running_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running Prefect server; half a minute to start, so tests that use it are slow."""
    with running_server(tmp_path_factory.mktemp("prefect")) as started:
        yield started
