"""Weights that were converted once, as safetensors files in the user's cache; and those of packages that are known by their hashes."""

import hashlib
import importlib.util
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from noise2music.core.errors import UserError
from noise2music.core.local_cache import cache_folder, whole_file
from noise2music.core.package_files import Package, fetch_files

log = logging.getLogger("n2m")

Arrays = dict[str, npt.NDArray[np.generic]]


def weights_hash(tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """SHA-256 over names, shapes and values: the same for any order and header of the file."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].shape}".encode() + tensors[name].tobytes())
    return digest.hexdigest()


def read_kept(path: Path, expected: str | None) -> dict[str, npt.NDArray[Any]] | None:
    """None where there is no file, or one that is damaged or holds other weights than those of the hash."""
    try:
        tensors: dict[str, npt.NDArray[Any]] = load(path.read_bytes())
    except (OSError, SafetensorError):
        return None
    return tensors if expected in (None, weights_hash(tensors)) else None


def keep(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    """A reader sees the whole file or none. Where nothing can be written, nothing is."""
    with suppress(OSError), whole_file(path) as aside:
        aside.write_bytes(save(dict(tensors)))


def say_fetching(package: Package, kept: Path) -> None:
    """One line before anything is fetched: what, whose, under which licence, how much, and where it stays."""
    log.warning("Fetching %s with the package installer, once; kept in %s.", package.about, kept)


def cannot_fetch(who: str, package: Package, kept: Path, error: UserError) -> UserError:
    """The one message of `who` needs the weights, with the ways to them."""
    return UserError(
        f"{who} needs {package.about}. They are not there, and could not be fetched: {str(error).rstrip('.')}. "
        f"Three ways: run `n2m setup` where the package installer reaches packages; install the package with {package.install}; "
        f"or copy {kept.name} from the cache of a machine where `n2m setup` ran to {kept.parent}."
    )


@dataclass(frozen=True)
class PackagedWeights:
    """Weights that lie in one package, and what is known of them.

    who: what needs them, for messages ("The network `yamnet`"). files: path in the package -> SHA-256. sha256: `weights_hash` after
    `convert`, which makes tensors of the files' contents in their order.
    """

    who: str
    package: Package
    files: Mapping[str, str]
    sha256: str
    convert: Callable[..., Arrays]

    @property
    def path(self) -> Path:
        """Where they are kept."""
        return cache_folder() / f"{self.package.name.lower()}-{self.sha256[:16]}.safetensors"

    @property
    def is_here(self) -> bool:
        """Whether `load` has nothing to fetch."""
        return self.path.is_file() or self._installed() is not None

    def load(self) -> Arrays:
        """From the cache, else from the package where it is installed, else from its distribution file, which is fetched and said so.

        A kept file that is damaged is made again; a cache that cannot be written is done without. Raises UserError where they cannot be
        had, or are not those that this version was made with.
        """
        tensors = read_kept(self.path, self.sha256)
        if tensors is None:
            tensors = self.convert(*(self._installed() or self._fetched()))
            if weights_hash(tensors) != self.sha256:
                raise UserError(f"the weights of {self.package.requirement} became others than they were made to be: report this")
            keep(self.path, tensors)
        return tensors

    def _installed(self) -> list[bytes] | None:
        """None where the package is not installed, or another version of it."""
        try:
            spec = importlib.util.find_spec(next(iter(self.files)).partition("/")[0])
        except (ImportError, ValueError):
            return None
        if spec is None or not spec.submodule_search_locations:
            return None
        above = Path(next(iter(spec.submodule_search_locations))).parent
        try:
            contents = [(above / name).read_bytes() for name in self.files]
        except OSError:
            return None
        return contents if self._are_known(contents) else None

    def _fetched(self) -> list[bytes]:
        say_fetching(self.package, self.path)
        try:
            contents = list(fetch_files(self.package, self.files).values())
            if not self._are_known(contents):
                raise UserError(f"the weights of {self.package.requirement} are not those that this version was made with")
        except UserError as error:
            raise cannot_fetch(self.who, self.package, self.path, error) from error
        return contents

    def _are_known(self, contents: list[bytes]) -> bool:
        return [hashlib.sha256(content).hexdigest() for content in contents] == list(self.files.values())
