"""One process at a time: a lock that is taken is refused or waited for, and one that is given back is free."""

import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from noise2music.core.local_cache import file_lock


def hold(path: Path, inside: Event, leave: Event) -> None:
    with file_lock(path):
        inside.set()
        leave.wait(60)


def test_another_process_is_refused_until_the_lock_is_free(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    inside, leave = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(tmp_path / "lock", inside, leave))
    holder.start()
    assert inside.wait(60)
    with pytest.raises(BlockingIOError), file_lock(tmp_path / "lock", wait=False):
        pass
    leave.set()
    with file_lock(tmp_path / "lock"):
        pass
    holder.join(60)
    assert holder.exitcode == 0


def test_a_process_that_is_killed_leaves_no_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    inside, leave = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(tmp_path / "lock", inside, leave))
    holder.start()
    assert inside.wait(60)
    holder.kill()
    holder.join(60)
    with file_lock(tmp_path / "lock", wait=False):
        pass


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"), file_lock(tmp_path / "nothing" / "lock"):
        pass
