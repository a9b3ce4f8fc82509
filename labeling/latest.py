"""Which datasets belong to the latest finished run of a root: one small file."""

import json
from typing import Any

from labeling.errors import UserError
from labeling.storage import Store

LATEST = "_LATEST.json"


def latest_paths(root: Store) -> dict[str, Any]:
    """Paths of the datasets by stage, and those of each vocabulary below "vocabularies". Raises UserError where no run is finished."""
    try:
        paths = json.loads(root.get(LATEST))
    except FileNotFoundError:
        raise UserError(f"{root.uri} holds no finished run. Run `n2m label` on it first; `n2m status` shows how far it is.") from None
    except ValueError as error:
        raise unreadable(root, error) from error
    if not isinstance(paths, dict):
        raise unreadable(root, TypeError("it is no table"))
    return paths


def unreadable(root: Store, error: Exception) -> UserError:
    """What a damaged file is said to be."""
    return UserError(f"{root.describe(LATEST)} cannot be read ({error}). Run `n2m label` again: it is written anew.")
