"""Checkpoints written here, byte by byte, are read back; every damage is noticed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.labeling.scorers.musicnn_weights import TABLE_MAGIC, crc32c, masked_crc32c, read_bundle


def varint(value: int) -> bytes:
    encoded = b""
    while value > 127:
        encoded, value = encoded + bytes([value & 127 | 128]), value >> 7
    return encoded + bytes([value])


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A table block with prefix compression, one restart and its trailer."""
    content, previous = b"", b""
    for key, value in entries:
        shared = next((i for i, (a, b) in enumerate(zip(previous, key, strict=False)) if a != b), min(len(previous), len(key)))
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        previous = key
    content += (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    return content + b"\0" + masked_crc32c(content + b"\0").to_bytes(4, "little")


def entry(values: np.ndarray, offset: int, dtype: int = 1) -> bytes:
    dimensions = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(size) for size in values.shape))
    checksum = masked_crc32c(values.tobytes()).to_bytes(4, "little")
    placed = b"\x20" + varint(offset) if offset else b""
    return (
        b"\x08"
        + varint(dtype)
        + b"\x12"
        + varint(len(dimensions))
        + dimensions
        + placed
        + b"\x28"
        + varint(values.nbytes)
        + b"\x35"
        + checksum
    )


def bundle(tensors: dict[str, np.ndarray], per_block: int = 2, dtype: int = 1) -> tuple[bytes, bytes]:
    """The two files of a checkpoint."""
    data, entries = b"", [(b"", b"\x08\x01")]
    for name, values in sorted(tensors.items()):
        entries.append((name.encode(), entry(values, len(data), dtype)))
        data += values.tobytes()
    index, handles = b"", []
    for start in range(0, len(entries), per_block):
        made = block(entries[start : start + per_block])
        handles.append((entries[min(start + per_block, len(entries)) - 1][0], varint(len(index)) + varint(len(made) - 5)))
        index += made
    places = []
    for made in (block([]), block(handles)):
        places.append(varint(len(index)) + varint(len(made) - 5))
        index += made
    return index + b"".join(places).ljust(40, b"\0") + TABLE_MAGIC.to_bytes(8, "little"), data


def everything(name: str) -> bool:
    return bool(name)


TENSORS = {
    "conv2d/kernel": np.arange(24, dtype="<f4").reshape(2, 3, 4),
    "conv2d/bias": np.array([1.5, -2], "<f4"),
    "step": np.array(7, "<f4"),
}


def test_crc32c_of_the_published_check_value() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@settings(max_examples=25)
@given(
    st.dictionaries(st.text("abc/_", min_size=1, max_size=40), st.lists(st.integers(0, 4), max_size=3), max_size=8),
    st.integers(1, 4),
)
def test_what_is_written_is_read(shapes: dict[str, list[int]], per_block: int) -> None:
    tensors = {name: np.arange(np.prod(shape, dtype=int), dtype="<f4").reshape(shape) for name, shape in shapes.items()}
    read = read_bundle(*bundle(tensors, per_block), everything)
    assert list(read) == sorted(tensors)
    for name, values in tensors.items():
        assert read[name].shape == values.shape
        np.testing.assert_array_equal(read[name], values)


def test_only_what_is_wanted_is_read() -> None:
    assert list(read_bundle(*bundle(TENSORS), lambda name: name.endswith("bias"))) == ["conv2d/bias"]


@pytest.mark.parametrize("keep", [0, 10, 47, 48, 100])
def test_a_truncated_index_is_refused(keep: int) -> None:
    index, data = bundle(TENSORS)
    with pytest.raises(ValueError, match="index|block|number"):
        read_bundle(index[:keep], data, everything)
    with pytest.raises(ValueError, match="index|block|number"):
        read_bundle(index[-keep:] if keep else b"", data, everything)


def test_truncated_data_is_refused() -> None:
    index, data = bundle(TENSORS)
    with pytest.raises(ValueError, match=f"data file of {len(data) - 1} bytes"):
        read_bundle(index, data[:-1], everything)


@settings(max_examples=60)
@given(st.data())
def test_a_changed_byte_is_noticed(draw: st.DataObject) -> None:
    """Wherever it is, except in the padding of the footer and in the empty meta-index, which nothing is read from."""
    index, data = bundle(TENSORS)
    tables = index.index(block([]))
    place = draw.draw(st.integers(0, tables + len(data) - 1))
    flip = draw.draw(st.integers(1, 255))
    files = [bytearray(index), bytearray(data)]
    if place < tables:
        files[0][place] ^= flip
    else:
        files[1][place - tables] ^= flip
    with pytest.raises(ValueError, match="checksum|compressed"):
        read_bundle(bytes(files[0]), bytes(files[1]), everything)


def test_another_data_type_is_refused() -> None:
    with pytest.raises(ValueError, match="data type 3"):
        read_bundle(*bundle(TENSORS, dtype=3), everything)
