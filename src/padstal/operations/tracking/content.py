"""Content of an artefact as DVC addresses it, so that a run's record and `dvc.lock` name the same bytes alike.

A file's address is the MD5 of its bytes; a folder's is the MD5 of the JSON list of its files' MD5s and relative paths,
sorted by path, with the suffix `.dir`.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Content:
    """A file or folder by its content.

    Attributes:
        md5: Address as in `dvc.lock`.
        files: Relative path → MD5; one entry with an empty path for a file.
        total_bytes: Sum of the files' lengths.
    """

    md5: str
    files: dict[str, str]
    total_bytes: int


def content_of(path: Path) -> Content:
    """Content of the file or folder `path`.

    Raises:
        FileNotFoundError: There is nothing at `path`.
    """
    if path.is_file():
        md5 = _md5(path)
        return Content(md5, {"": md5}, path.stat().st_size)
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such file or folder")
    found = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    files = {name: _md5(found[name]) for name in sorted(found)}
    listing = [{"md5": md5, "relpath": name} for name, md5 in files.items()]
    digest = hashlib.md5(json.dumps(listing, sort_keys=True).encode("utf-8"), usedforsecurity=False).hexdigest()
    return Content(f"{digest}.dir", files, sum(file.stat().st_size for file in found.values()))


def _md5(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
