"""DVC's objects: their names, the places that follow from these, and what the list of a folder's files looks like.

A file's object is named by the MD5 of its bytes; a folder's by that of the list of its files, with the suffix `.dir`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from padstal.core.dvc_lock import OID, LockedPath

OBJECTS = "files/md5/"
"""Folder of the objects, in a cache and in a remote."""
RUNS = "runs/"
"""Folder of the run-cache, in a cache and in a remote."""
BLOCK_BYTES = 2**20


def key_of(oid: str) -> str:
    """Place of an object below a cache or remote: "files/md5/ab/cdef…"."""
    return f"{OBJECTS}{oid[:2]}/{oid[2:]}"


def oid_of(key: str) -> str | None:
    """The object's name, or None for a file that is no object."""
    name = key.removeprefix(OBJECTS).replace("/", "", 1)
    return name if key.startswith(OBJECTS) and key[len(OBJECTS) + 2 :][:1] == "/" and OID.fullmatch(name) else None


def digits(oid: str) -> str:
    """The MD5 alone."""
    return oid.removesuffix(".dir")


class TreeError(ValueError):
    """No list of a folder's files as DVC writes it."""


def md5_of(file: Path, advance: Callable[[int], object] = lambda count: None) -> str:
    """MD5 of a file's bytes; `advance` is told how many were read."""
    with file.open("rb", buffering=0) as stream:
        return md5_of_stream(stream, advance)


def md5_of_stream(stream: Any, advance: Callable[[int], object] = lambda count: None) -> str:
    """MD5 of what a stream of bytes has left; `advance` is told how many were read."""
    digest = hashlib.md5(usedforsecurity=False)
    while block := stream.read(BLOCK_BYTES):
        digest.update(block)
        advance(len(block))
    return digest.hexdigest()


def read_tree(content: bytes) -> list[tuple[str, str]]:
    """A folder's files: path below it and object.

    Raises:
        TreeError: No list as DVC writes it.
    """
    try:
        rows = json.loads(content)
        found = [(str(row["relpath"]), str(row["md5"])) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise TreeError(f"no list of a folder's files: {error}") from None
    for path, oid in found:
        if not OID.fullmatch(oid) or path.startswith("/") or ".." in path.split("/"):
            raise TreeError(f"no list of a folder's files: {path!r}: {oid!r}")
    return found


def write_tree(files: Iterable[tuple[str, str]]) -> bytes:
    """The list of a folder's files, byte for byte as DVC writes it."""
    rows = [{"md5": oid, "relpath": path} for path, oid in sorted(files)]
    return json.dumps(rows, sort_keys=True).encode()


def oid_of_tree(content: bytes) -> str:
    """The object's name of a list of files."""
    return f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}.dir"


def content_of(path: Path) -> LockedPath:
    """The file or folder `path`, as `dvc.lock` has it.

    Raises:
        FileNotFoundError: There is nothing at `path`.
    """
    if path.is_file():
        return LockedPath(str(path), md5_of(path), path.stat().st_size)
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such file or folder")
    files = [file for file in path.rglob("*") if file.is_file()]
    tree = write_tree((file.relative_to(path).as_posix(), md5_of(file)) for file in files)
    return LockedPath(str(path), oid_of_tree(tree), sum(file.stat().st_size for file in files), len(files))
