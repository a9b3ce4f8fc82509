"""The folder in which what can be made or fetched again is kept between runs."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """N2M_CACHE where it is set, else `noise2music` in the platform's folder for caches."""
    if chosen := os.environ.get("N2M_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "noise2music"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "noise2music"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "noise2music"
