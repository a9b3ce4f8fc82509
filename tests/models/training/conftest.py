"""Shards and stages that every test of training shares."""

import pytest

from noise2music.models.training import prepare
from tests.models.data.made_up_shards import uri_of, write_shards
from tests.models.training.small_runs import small_stage


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> str:
    return uri_of(write_shards(tmp_path_factory.mktemp("shards"), clips=24, seconds=0.8))


@pytest.fixture
def small_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """The trainer's tiny stages become smaller."""
    monkeypatch.setattr(prepare, "stage_of", lambda _preset, name: small_stage(name))
