"""Recognises files that are not what their name says: a workbook called .csv, an error page in place of a download."""

import re

from noise2music.core.errors import UserError
from noise2music.core.tally import Tally

_OTHERS = (
    (b"PK\x03\x04", "is a zip file or an Excel workbook. Save the sheet as csv"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook. Save the sheet as csv"),
    (b"\x1f\x8b", "is compressed (gzip). Unpack it"),
    (b"BZh", "is compressed (bzip2). Unpack it"),
    (b"\xfd7zXZ", "is compressed (xz). Unpack it"),
    (b"\x28\xb5\x2f\xfd", "is compressed (zstd). Unpack it"),
    (b"SQLite format 3", "is an SQLite database. Export the table as csv"),
    (b"version https://git-lfs", "is a pointer of Git LFS and not the file itself. Fetch it with `git lfs pull`"),
)
_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html[\s>])", re.IGNORECASE)


def format_inside(uri: str, data: bytes, form: str, notes: Tally) -> str:
    """The format of the bytes: `form`, or "parquet" where they are that under another name. Raises UserError for what is no table."""
    for begin, what in _OTHERS:
        if data.startswith(begin) and form != "parquet":
            raise UserError(f"{uri} {what}.")
    if form != "parquet" and _PAGE.match(data):
        raise UserError(f"{uri} is a web page and no table: perhaps its download failed. Get it again.")
    if data.startswith(b"PAR1") and data.endswith(b"PAR1") and form != "parquet":
        notes.lose("format", f"{uri} is Parquet, whatever its name says; it is read as that")
        return "parquet"
    return form
