"""Lists a bucket that holds names which are no paths ("a//b.mp3", "a/../b.mp3"). Such names are reported and cost no other file.

obstore reads each page of a listing as paths, and one odd name makes it lose the page. So obstore lists only folders without odd names. In
the others pyarrow reads the names. It takes any name but gives no ETag, so each good file there is looked up once by its name.
"""

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from noise2music.core.errors import UserError, first_line
from noise2music.core.storage import Entry, OddKeyError, Store

_WHY_ODD = 'an object store takes this name, but it is no path (an empty step, "." or ".."), so it cannot be opened. Rename the object.'
_WHY_MARKER = "it is listed, and nothing is found under its name: the name ends in a slash, as of a folder. Rename or remove the object."


def list_objects(store: Store) -> tuple[list[Entry], dict[str, str]]:
    """Every object of s3://, gs:// or az://, and the names that cannot be opened, each with why. Raises UserError."""
    try:
        return _each_once(store, list(store.entries()), {})
    except OddKeyError as error:
        names = _raw_names(store.uri, error)
    odd = {name: _WHY_ODD for name in names if not _is_path(name)}
    return _each_once(store, list(_entries(store, "", [name for name in names if name not in odd], odd)), odd)


def _entries(store: Store, folder: str, names: list[str], odd: dict[str, str]) -> Iterator[Entry]:
    """The objects of a folder and below. names: all names in it that are paths; those without an object are added to `odd`."""
    try:
        yield from list(store.entries(folder))
        return
    except OddKeyError:
        pass
    below: dict[str, list[str]] = {}
    for name in names:
        step, _, rest = name[len(folder) + 1 if folder else 0 :].partition("/")
        if rest:
            below.setdefault(f"{folder}/{step}" if folder else step, []).append(name)
            continue
        entry = store.head(name)
        if entry is not None:
            yield entry
        else:
            odd[name] = _WHY_MARKER
    for inner, inside in below.items():
        yield from _entries(store, inner, inside, odd)


def _each_once(store: Store, entries: list[Entry], odd: dict[str, str]) -> tuple[list[Entry], dict[str, str]]:
    """Objects, each path once. "/a.mp3" and "a.mp3" are read as one path: the object that exists there counts, the other is odd."""
    by_path: dict[str, Entry] = {}
    for entry in entries:
        if entry.path in by_path:
            actual = store.head(entry.path)
            if actual is not None:
                by_path[entry.path] = actual
            odd[f"/{entry.path}"] = (
                "two objects are listed under one path: one begins or ends with a slash, and cannot be opened. Rename it."
            )
        else:
            by_path[entry.path] = entry
    return list(by_path.values()), odd


def _is_path(name: str) -> bool:
    return all(step not in ("", ".", "..") for step in name.removesuffix("/").split("/"))


def _raw_names(uri: str, error: OddKeyError) -> list[str]:
    """All names below a URI as the store has them. Raises UserError where they cannot be listed."""
    import pyarrow as pa
    from pyarrow import fs

    parts = urlsplit(uri)
    start = f"{parts.netloc}{parts.path}".rstrip("/")
    try:
        infos = _file_system(parts.scheme.lower()).get_file_info(fs.FileSelector(start, recursive=True))
    except (pa.ArrowException, OSError, ValueError) as why:
        raise UserError(
            f"cannot list {uri}: it holds a name that is no path ({error.why}), and its names cannot be read in another way "
            f"({first_line(why)}). Rename that object, or give a folder below that does not hold it."
        ) from why
    return [info.path[len(start) + 1 :] for info in infos if info.type == fs.FileType.File]


def _file_system(scheme: str) -> Any:
    """pyarrow's access to a kind of store, set up from the same environment variables as obstore. Raises what pyarrow raises."""
    from pyarrow import fs

    if scheme == "gs":
        return fs.GcsFileSystem()
    if scheme == "az":
        account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME") or os.environ.get("AZURE_ACCOUNT_NAME")
        key = os.environ.get("AZURE_STORAGE_ACCOUNT_KEY") or os.environ.get("AZURE_STORAGE_ACCESS_KEY")
        return fs.AzureFileSystem(account_name=account, account_key=key)
    if scheme != "s3":
        raise ValueError(f"there is no other access to {scheme}://")
    options: dict[str, Any] = {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT")
    if endpoint:
        options |= {"endpoint_override": urlsplit(endpoint).netloc or endpoint, "scheme": urlsplit(endpoint).scheme or "https"}
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if region:
        options["region"] = region
    if os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true", "yes"):
        options["anonymous"] = True
    elif os.environ.get("AWS_ACCESS_KEY_ID"):
        options["access_key"] = os.environ["AWS_ACCESS_KEY_ID"]
        options["secret_key"] = os.environ.get("AWS_SECRET_ACCESS_KEY", "")
        options["session_token"] = os.environ.get("AWS_SESSION_TOKEN")
    return fs.S3FileSystem(**options)
