"""A part of a file as a file of its own; bytes before and after it are hidden."""

import io
from typing import BinaryIO, cast


class FileWindow(io.RawIOBase):
    """Bytes [start, end) of a seekable file. Several windows may share one file: each seeks before it reads."""

    def __init__(self, file: BinaryIO, start: int, end: int) -> None:
        self._file = file
        self._start = start
        self._size = max(0, end - start)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("a position before the start of the file")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        rest = max(0, self._size - self._position)
        length = rest if size is None or size < 0 else min(size, rest)
        if not length:
            return b""
        self._file.seek(self._start + self._position)
        data = self._file.read(length)
        self._position += len(data)
        return data

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)


def window(file: BinaryIO, start: int, end: int) -> BinaryIO:
    """Bytes [start, end) of a file as a file, positioned at its start."""
    return cast(BinaryIO, FileWindow(file, start, end))


def file_size(file: BinaryIO) -> int:
    """Bytes in a seekable file, which is left at its start."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


def after_tags(file: BinaryIO) -> int:
    """The offset behind all ID3v2 and APEv2 tags at the start of the file."""
    start = 0
    while True:
        file.seek(start)
        head = file.read(32)
        if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
            size = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + (10 if head[5] & 0x10 else 0)
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            size = 32 + int.from_bytes(head[12:16], "little")
        else:
            file.seek(0)
            return start
        start += max(10, size)
