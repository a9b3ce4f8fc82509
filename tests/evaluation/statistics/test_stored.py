"""Statistics in files: ours, with factor or covariance, and fadtk's."""

from pathlib import Path

import numpy as np
import pytest
import torch

from noise2music.core.errors import UserError
from noise2music.core.tensors import write_tensors
from noise2music.evaluation.statistics.frechet import frechet_distance, gaussian_of
from noise2music.evaluation.statistics.stored import StatisticsHeader, read_fadtk, read_statistics, write_statistics
from tests.evaluation.statistics.made_up import diagonal, gaussian_rows

HEADER = StatisticsHeader(
    network="small", identity="ab" * 32, protocol={"name": "paper", "seconds": 10.0, "level": None}, clips=9, rows=90, reference="x"
)


@pytest.mark.parametrize("count", [5, 90])
def test_there_and_back(tmp_path: Path, count: int) -> None:
    gaussian = gaussian_of(gaussian_rows(np.random.default_rng(1), count, 12))
    write_statistics(tmp_path / "small.safetensors", gaussian, HEADER)
    found, header = read_statistics(tmp_path / "small.safetensors")
    assert header == HEADER
    assert (found.mean == gaussian.mean).all()
    assert (found.factor == gaussian.factor).all()


def test_a_covariance_will_do(tmp_path: Path) -> None:
    gaussian = gaussian_of(gaussian_rows(np.random.default_rng(1), 50, 6))
    tensors = {"mean": torch.from_numpy(gaussian.mean), "covariance": torch.from_numpy(gaussian.covariance)}
    write_tensors(tmp_path / "a.safetensors", tensors, HEADER)
    found, _ = read_statistics(tmp_path / "a.safetensors")
    other = diagonal(np.ones(6))
    assert frechet_distance(found, other) == pytest.approx(frechet_distance(gaussian, other), rel=1e-9)


def test_of_fadtk(tmp_path: Path) -> None:
    rows = gaussian_rows(np.random.default_rng(2), 50, 6).astype(np.float32)
    arrays = {"vggish.mu": rows.mean(axis=0), "vggish.cov": np.cov(rows, rowvar=False), "clap.mu": np.zeros(2), "clap.cov": np.eye(2)}
    np.savez(tmp_path / "fma.npz", **arrays)
    found, model = read_fadtk(tmp_path / "fma.npz", "vggish")
    assert (model, found.rows) == ("vggish", 0)
    other = diagonal(np.ones(6))
    assert frechet_distance(found, other) == pytest.approx(frechet_distance(gaussian_of(rows), other), rel=1e-5)
    with pytest.raises(UserError, match="several models; choose one of clap, vggish"):
        read_fadtk(tmp_path / "fma.npz")
    with pytest.raises(UserError, match="not of 'encodec'"):
        read_fadtk(tmp_path / "fma.npz", "encodec")


def test_bad_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(UserError, match="holds no MODEL.mu"):
        read_fadtk(tmp_path / "other.npz")
    np.savez(tmp_path / "object.npz", **{"m.mu": np.array([{}], dtype=object), "m.cov": np.eye(1)})
    with pytest.raises(UserError, match="no file of statistics"):
        read_fadtk(tmp_path / "object.npz")
    np.savez(tmp_path / "shape.npz", **{"m.mu": np.zeros(3), "m.cov": np.eye(2)})
    with pytest.raises(UserError, match="do not belong together"):
        read_fadtk(tmp_path / "shape.npz")
    (tmp_path / "text.npz").write_text("no")
    for name in ("text.npz", "none.npz"):
        with pytest.raises(UserError):
            read_fadtk(tmp_path / name)
    write_tensors(tmp_path / "half.safetensors", {"mean": torch.zeros(3)}, HEADER)
    with pytest.raises(UserError, match="no tensor 'covariance'"):
        read_statistics(tmp_path / "half.safetensors")
    write_tensors(tmp_path / "odd.safetensors", {"mean": torch.zeros(3), "factor": torch.zeros(4, 2)}, HEADER)
    with pytest.raises(UserError, match="holds no statistics"):
        read_statistics(tmp_path / "odd.safetensors")
