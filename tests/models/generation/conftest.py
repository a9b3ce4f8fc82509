"""One small cascade on disk for all tests, and both routes of it loaded."""

from pathlib import Path

import pytest

from noise2music.models.generation.cascade import Cascade, load_cascade
from noise2music.models.generation.settings import GenerationSettings
from tests.models.generation.small_cascade import write_small_cascade


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_small_cascade(Path(tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="session")
def waveform(checkpoints: str) -> Cascade:
    return load_cascade(checkpoints, GenerationSettings(), "cpu")


@pytest.fixture(scope="session")
def spectrogram(checkpoints: str) -> Cascade:
    return load_cascade(checkpoints, GenerationSettings(route="spectrogram"), "cpu")
