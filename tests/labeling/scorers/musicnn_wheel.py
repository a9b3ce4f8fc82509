"""A made-up distribution file of musicnn: the real one's layout, with two small tensors a tagger."""

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from noise2music.core.kept_weights import weights_hash
from noise2music.labeling.scorers import musicnn_weights
from noise2music.labeling.scorers.musicnn_weights import PACKAGE, TAGGERS, checkpoints_hash
from tests.labeling.scorers.test_tensor_bundle import bundle

NAME = "musicnn-0.1.0-py3-none-any.whl"
TENSORS = {
    tagger: {"dense/kernel": np.arange(6, dtype="<f4").reshape(2, 3) + row, "dense/kernel/Adam": np.ones(3, "<f4")}
    for row, tagger in enumerate(TAGGERS)
}
CHECKPOINTS = {tagger: bundle(tensors) for tagger, tensors in TENSORS.items()}
SHOULD_NOT_RUN = "raise SystemExit('the package was imported')\n"


def write_wheel(folder: Path) -> Path:
    """The file, with all that an installer asks of one."""
    info = "musicnn-0.1.0.dist-info"
    contents: dict[str, bytes | str] = {"musicnn/__init__.py": SHOULD_NOT_RUN}
    for tagger, (index, data) in CHECKPOINTS.items():
        contents[f"musicnn/{tagger}/.index"] = index
        contents[f"musicnn/{tagger}/.data-00000-of-00001"] = data
    contents[f"{info}/METADATA"] = "Metadata-Version: 2.1\nName: musicnn\nVersion: 0.1.0\nRequires-Dist: numpy (<1.17)\n"
    contents[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    contents[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*contents, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / NAME, "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)
    return folder / NAME


def trust(patch: pytest.MonkeyPatch, wheel: Path) -> None:
    """The constants that are known of the real file are those of this one."""
    weights = {f"{tagger}/dense/kernel": tensors["dense/kernel"] for tagger, tensors in TENSORS.items()}
    known = replace(PACKAGE, wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())
    patch.setattr(musicnn_weights, "PACKAGE", known)
    patch.setattr(musicnn_weights, "CHECKPOINTS_SHA256", checkpoints_hash(CHECKPOINTS))
    patch.setattr(musicnn_weights, "WEIGHTS_SHA256", weights_hash(weights))
