"""How far the stages are, counted where the work is done and read where it is shown.

Worker threads of the same process share the counters; other processes and machines do not, and are seen through their finished parts.
"""

import threading
from collections import Counter

_lock = threading.Lock()
_rows: Counter[str] = Counter()


def advance(stage: str, rows: int = 1) -> None:
    """Say that `rows` more rows of a stage are done."""
    with _lock:
        _rows[stage] += rows


def rows_done(stage: str) -> int:
    """Rows of a stage that this process has finished since it started."""
    with _lock:
        return _rows[stage]
