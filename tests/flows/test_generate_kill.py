"""A batch job killed with SIGKILL ten times."""

from pathlib import Path

import pytest

from tests.flows.generation import content, copy_job, small_job, write_prompts
from tests.flows.generation_kills import kill_and_finish, start_job

CLIPS, KILLS, WORKERS = 48, 10, 2


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_ten_times_and_finished_gives_the_same_bytes_and_makes_no_clip_twice(tmp_path: Path) -> None:
    write_prompts(tmp_path / "prompts.csv", CLIPS)
    settings = small_job(tmp_path, "killed", run__workers=WORKERS)
    undisturbed = copy_job(tmp_path, settings, "undisturbed")
    assert start_job(undisturbed, tmp_path / "undisturbed.toml").wait() == 0
    killed = kill_and_finish(settings, tmp_path / "killed.toml", CLIPS, KILLS)
    assert max(killed.in_flight) <= WORKERS
    assert len(set(killed.there)) >= KILLS // 2
    assert content(settings.out) == content(undisturbed.out)
