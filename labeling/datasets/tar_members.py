"""Finds plain files in a tar of unknown origin. Nothing is unpacked, and sizes in headers are checked."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from noise2music.core.errors import UserError, first_line

_MOST_HEADER = 1 << 20


@dataclass(frozen=True)
class Member:
    """A member of a tar. offset, size: of its bytes in the tar. is_file: whether it is a plain file, and no link, folder or device."""

    name: str
    offset: int
    size: int
    is_file: bool


class _Bounded:
    """A file for tarfile that limits reads: a header cannot make it read much, beyond the end, or backwards."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, 2)
        file.seek(0)

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, position: int) -> int:
        if not 0 <= position <= self.size:
            raise tarfile.ReadError(f"a member reaches to byte {position}, the file has {self.size}")
        return self._file.seek(position)

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_HEADER:
            raise tarfile.ReadError(f"a header claims {size} bytes")
        return self._file.read(min(size, max(0, self.size - self.tell())))


def tar_members(file: BinaryIO, where: str) -> Iterator[Member]:
    """The members of a tar without compression, in its order. where: for messages.

    Raises UserError where the tar is damaged, ends early, or is none.
    """
    bounded = _Bounded(file)
    try:
        with tarfile.open(fileobj=bounded, mode="r:") as tar:  # type: ignore[call-overload]
            end = -1
            while (member := tar.next()) is not None:
                if tar.offset <= end or not 0 <= member.size <= bounded.size - member.offset_data:
                    raise tarfile.ReadError(f"a member claims {member.size} bytes")
                end = tar.offset
                tar.members = []  # It would hold every member that was seen.
                is_file = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
                yield Member(member.name, member.offset_data, member.size, is_file)
            # tarfile takes a broken header for the end: a whole tar ends in zeros.
            bounded.seek(tar.offset)
            if bounded.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError(f"it breaks off at byte {tar.offset}")
            # A hole, or tars that were put one behind the other: tarfile would leave out what follows.
            while block := bounded.read(_MOST_HEADER):
                if block.count(0) < len(block):
                    raise tarfile.ReadError(f"more follows after its end at byte {tar.offset}")
    except (tarfile.TarError, OSError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
        raise UserError(f"{where} is no whole tar file without compression ({first_line(error)}). Copy or make it again.") from error
