"""Fixtures that tests of several packages share."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.s3_server import BUCKET, S3Server, find_server, why_there_is_none

settings.register_profile("same", derandomize=True, deadline=None)
"""The same inputs in every run: a test that passed here passes elsewhere, however slow the machine."""
settings.register_profile("search", deadline=None, max_examples=1000, print_blob=True)
"""New inputs in every run, to find what `same` does not: `pytest --hypothesis-profile search`."""
settings.load_profile("same")


@pytest.fixture(autouse=True)
def _logger_as_in_a_new_process() -> None:
    """What earlier tests did to the project's logger and to the root, the command line among them, is undone."""
    logging.getLogger().setLevel(logging.WARNING)
    log = logging.getLogger("n2m")
    log.handlers[:], log.propagate = [], True
    log.setLevel(logging.NOTSET)


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server of its own, with what clients need in the environment."""
    binary = find_server()
    if binary is None:
        pytest.skip(why_there_is_none())
    server = S3Server(binary, tmp_path_factory.mktemp("s3"))
    try:
        server.start()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in server.environment.items():
                patch.setenv(name, value)
            patch.delenv("PREFECT_API_URL", raising=False)
            yield server
    finally:
        server.stop()


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    """s3://bucket on the running server."""
    if s3_server.process is None:
        s3_server.start()
    return f"s3://{BUCKET}"
