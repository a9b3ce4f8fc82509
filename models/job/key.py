"""What may name a clip. Keys become file names, so nothing else may."""

import re

from labeling.errors import RowError

LONGEST_KEY = 100

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def check_key(key: str) -> str:
    """The key as it is. Raises RowError "bad_key" unless it is letters, digits, '-', '_' and '.', not starting with a dot."""
    if len(key) > LONGEST_KEY:
        raise RowError("bad_key", f"the key has {len(key):,} characters; at most {LONGEST_KEY} are allowed")
    if not _KEY.fullmatch(key):
        raise RowError(
            "bad_key", f"the key {key!a} cannot name a file: use letters (a to z), digits, '-', '_' and '.', and no dot in front"
        )
    return key
