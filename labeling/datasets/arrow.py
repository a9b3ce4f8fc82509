"""Arrow columns to numpy and back, without a Python loop over rows."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from noise2music.core.arrays import Float32s
from noise2music.labeling.retrieval.cosine import normalise


def vectors_column(vectors: Float32s) -> pa.Array:
    """(N, d) float32 -> fixed-size lists of float16."""
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).astype(np.float16).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])


def unit_vectors(column: pa.ChunkedArray) -> Float32s:
    """Fixed-size lists of float16 -> (N, d) float32, brought back to unit length after the rounding."""
    array = column.combine_chunks()
    width = column.type.list_size
    flat = array.flatten().to_numpy(zero_copy_only=False)
    return normalise(flat.reshape(-1, width).astype(np.float32))


def stored_vector(row: pa.Table, column: str) -> Float32s:
    """The vector (d,) of a one-row table as it is stored, so that writing it again gives the same float16."""
    flat = row.column(column).combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, np.float32)


def lists_column(values: pa.Array, lengths: npt.NDArray[np.integer]) -> pa.ListArray:
    """Flat values and the length of each row's list -> list column."""
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def padded(column: pa.ChunkedArray, width: int, fill: float, dtype: npt.DTypeLike) -> npt.NDArray[np.generic]:
    """List column -> (N, width), short lists filled up. Raises ValueError when a list is longer."""
    lengths = pc.list_value_length(column).to_numpy().astype(np.int64)
    if len(lengths) and lengths.max() > width:
        raise ValueError(f"a list holds {lengths.max()} values, more than {width}")
    matrix = np.full((len(lengths), width), fill, dtype)
    matrix[np.arange(width)[None, :] < lengths[:, None]] = pc.list_flatten(column).to_numpy()
    return matrix


def structs_column(columns: Mapping[str, pa.Array], struct: pa.StructType) -> pa.StructArray:
    """Equally long arrays -> struct column of that type."""
    fields = [struct.field(position) for position in range(struct.num_fields)]
    return pa.StructArray.from_arrays([columns[field.name].cast(field.type) for field in fields], fields=fields)
