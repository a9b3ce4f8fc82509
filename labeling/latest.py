"""Which datasets belong to the latest finished run of a root: one small file."""

import json
from collections.abc import Mapping
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


def named_paths(paths: Mapping[str, Any]) -> frozenset[str]:
    """The datasets that the latest finished run is made of, as paths below the root."""
    plain = {path for path in paths.values() if isinstance(path, str)}
    groups = paths.get("vocabularies")
    groups = groups.values() if isinstance(groups, Mapping) else ()
    return frozenset(plain | {path for group in groups if isinstance(group, Mapping) for path in group.values()})


def unreadable(root: Store, error: Exception) -> UserError:
    """What a damaged file is said to be."""
    return UserError(f"{root.describe(LATEST)} cannot be read ({error}). Run `n2m label` again: it is written anew.")
