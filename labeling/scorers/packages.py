"""Installed packages that are read as folders of files and never imported."""

import importlib.util
from pathlib import Path

from labeling.errors import UserError


def package_folder(module: str, install: str) -> Path:
    """Where the files of a package lie. Raises UserError, which says how to `install` it, where it is missing."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"The built-in scorer `starter` needs the package {module}, which is not installed. Install it with: {install}")
    return Path(next(iter(spec.submodule_search_locations)))
