"""Statistics of a reference in a file: mean, thin factor of the covariance, and how they came about; and those of fadtk."""

import io
import zipfile
from pathlib import Path

import numpy as np
import torch

from noise2music.core.errors import UserError
from noise2music.core.settings import Record
from noise2music.core.tensors import read_header, read_tensors, write_tensors
from noise2music.evaluation.statistics.frechet import Gaussian, gaussian_from

FORMAT = 1
SUFFIX = ".safetensors"


class StatisticsHeader(Record):
    """network, identity: whose embeddings. protocol: all of it, as a mapping. clips, rows: of how many. reference: its name, for people;
    digest: hash of what was heard of it.
    """

    format: int = FORMAT
    network: str
    identity: str
    protocol: dict[str, str | float | None]
    clips: int
    rows: int
    reference: str
    digest: str = ""


def write_statistics(path: Path, gaussian: Gaussian, header: StatisticsHeader) -> None:
    """Write mean and factor, of at most d rows. Raises UserError."""
    tensors = {"mean": torch.from_numpy(gaussian.mean), "factor": torch.from_numpy(gaussian.factor)}
    write_tensors(path, tensors, header)


def read_statistics(path: Path) -> tuple[Gaussian, StatisticsHeader]:
    """What `write_statistics` wrote, or mean and covariance in place of the factor. Raises UserError."""
    header = read_header(path, StatisticsHeader, FORMAT)
    tensors = {name: tensor.numpy().astype(np.float64) for name, tensor in read_tensors(path).items()}
    try:
        if "factor" in tensors:
            mean, factor = tensors["mean"], tensors["factor"]
            if factor.ndim != 2 or mean.shape != factor.shape[1:] or not (np.isfinite(mean).all() and np.isfinite(factor).all()):
                raise ValueError("mean and factor do not belong together, or hold NaN")
            return Gaussian(mean, factor, header.rows), header
        return gaussian_from(tensors["mean"], tensors["covariance"], header.rows), header
    except KeyError as error:
        raise UserError(f"{path} has no tensor {error}; statistics have mean, and factor or covariance.") from None
    except ValueError as error:
        raise UserError(f"{path} holds no statistics: {error}.") from None


def read_fadtk(path: Path, model: str | None = None) -> tuple[Gaussian, str]:
    """A .npz of fadtk, with MODEL.mu and MODEL.cov -> the statistics and the model's name. Nothing is unpickled.

    model: which, where the file has several. fadtk says nothing of how many rows they are from. Raises UserError.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as arrays:
            names = sorted(name.removesuffix(".mu") for name in arrays.files if name.endswith(".mu"))
            if not names:
                raise UserError(
                    f"{path} holds no MODEL.mu, as statistics of fadtk do; it holds {', '.join(arrays.files[:5]) or 'nothing'}."
                )
            if (model is None and len(names) > 1) or (model is not None and model not in names):
                wanted = f"not of {model!r}" if model else "of several models"
                raise UserError(f"{path} holds statistics {wanted}; choose one of {', '.join(names)}.")
            chosen = model or names[0]
            return gaussian_from(arrays[f"{chosen}.mu"], arrays[f"{chosen}.cov"]), chosen
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}. Check the path.") from None
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"{path} is no file of statistics as fadtk writes them: {error}.") from None
