"""The checkpoints of the package musicnn: from where it is installed, or out of its distribution file (core/package_files.py).

The package pins an old numpy and imports TensorFlow, so it cannot be a dependency. It is never imported; only its files are read.
"""

import hashlib

from noise2music.core.errors import UserError
from noise2music.core.hub import package_folder
from noise2music.core.package_files import Package, fetch_files

Checkpoints = dict[str, tuple[bytes, bytes]]
"""Tagger -> its index file and its data file."""

TAGGERS = ("MTT_musicnn", "MSD_musicnn")
PACKAGE = Package(
    "musicnn==0.1.0",
    "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    "the weights of musicnn 0.1.0 (by Jordi Pons and Xavier Serra, github.com/jordipons/musicnn, ISC licence; 29 MB)",
)
INSTALL = PACKAGE.install
CHECKPOINTS_SHA256 = "7a9a480b3d3ac5646994b5d093a0ca322955c359d46c130775e830af4b44fa8a"
_PARTS = (".index", ".data-00000-of-00001")


def checkpoints_hash(checkpoints: Checkpoints) -> str:
    """SHA-256 over the hashes of all files."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for parts in checkpoints.values() for part in parts)).hexdigest()


def installed_checkpoints() -> Checkpoints | None:
    """From the installed package; None where it is not installed. Raises UserError where its files cannot be read."""
    try:
        package = package_folder("musicnn", INSTALL)
    except UserError:
        return None
    checkpoints = {}
    for tagger in TAGGERS:
        try:
            index, data = ((package / tagger / part).read_bytes() for part in _PARTS)
        except OSError as error:
            message = f"The package musicnn has no readable checkpoint {tagger} ({error.strerror})."
            raise UserError(f"{message} Install it again with: {INSTALL}") from error
        checkpoints[tagger] = (index, data)
    return checkpoints


def fetched_checkpoints() -> Checkpoints:
    """From the distribution file. Raises UserError as `fetch_files` does."""
    files = fetch_files(PACKAGE, (f"musicnn/{tagger}/{part}" for tagger in TAGGERS for part in _PARTS))
    contents = iter(files.values())
    checkpoints = {tagger: (next(contents), next(contents)) for tagger in TAGGERS}
    if checkpoints_hash(checkpoints) != CHECKPOINTS_SHA256:
        raise UserError(f"the checkpoints of {PACKAGE.requirement} are not those that this version was made with")
    return checkpoints
