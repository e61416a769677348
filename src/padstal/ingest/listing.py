"""What a source holds: paths, lengths and sha256 of a folder's files, or keys, lengths and ETags of a bucket's objects.

`padstal scan` keeps it in git as `data/<scale>/sources.json`, so that DVC sees a changed source without reading it.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.data.content import sha256_file
from padstal.ingest.config import FolderSource, S3Source, Source
from padstal.ingest.containers import EXTENSIONS
from padstal.ingest.rejection import DEAD_LINK, HIDDEN, LINKED_FOLDER, UNREADABLE_FOLDER
from padstal.ingest.s3.mirror_index import STATE
from padstal.ingest.s3.objects import Listing, client_of, list_objects


@dataclass(frozen=True)
class Found:
    """A name in a folder.

    Attributes:
        path: Relative, with "/"; a name that is not UTF-8 has surrogate escapes.
        regular: A regular file, and no symbolic link.
    """

    path: str
    regular: bool

    @property
    def printable(self) -> str:
        """`path` as valid UTF-8; what was not shows as an escape."""
        return os.fsencode(self.path).decode("utf-8", "backslashreplace")


@dataclass(frozen=True)
class Walk:
    """What lies below a folder.

    Attributes:
        files: All names that are no folders, sorted by their bytes; linked files are among them and not followed.
        passed_over: Folders, links to nothing, and files with hidden names, that were not looked at: reasons by path.
    """

    files: list[Found]
    passed_over: dict[str, str]


def walk(folder: Path, *, linked_folders: bool = False, hidden: bool = False) -> Walk:
    """All names below `folder`.

    Args:
        folder: Where to look.
        linked_folders: Look into linked folders, each once.
        hidden: Look at names with a leading dot.

    Raises:
        FileNotFoundError: No such folder.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; mend the source's path in params.yaml")
    found: list[Found] = []
    passed_over: dict[str, str] = {}
    seen: set[tuple[int, int]] = set()

    def path_of(full: str) -> str:
        return os.path.relpath(full, folder).replace(os.sep, "/")

    def unreadable(error: OSError) -> None:
        passed_over[path_of(error.filename)] = UNREADABLE_FOLDER

    tops = [str(folder)]
    for top in tops:
        links = []
        for parent, folders, files in os.walk(top, onerror=unreadable):
            status = os.stat(parent)
            again = (status.st_dev, status.st_ino) in seen
            if again or not os.access(parent, os.X_OK):
                passed_over[path_of(parent)] = LINKED_FOLDER if again else UNREADABLE_FOLDER
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            paths = {name: os.path.join(parent, name) for name in (*folders, *files)}
            dotted = [] if hidden else [name for name in paths if name.startswith(".")]
            for name in dotted:
                if (name in folders and name != STATE) or _is_audio(name):
                    passed_over[path_of(paths[name])] = HIDDEN
            links += [paths[name] for name in folders if name not in dotted and os.path.islink(paths[name])]
            folders[:] = [name for name in folders if name not in dotted and not os.path.islink(paths[name])]
            for name in (name for name in files if name not in dotted):
                linked = os.path.islink(paths[name])
                if linked and not os.path.exists(paths[name]) and not _is_audio(name):
                    passed_over[path_of(paths[name])] = DEAD_LINK
                else:
                    found.append(Found(path_of(paths[name]), not linked and os.path.isfile(paths[name])))
        if linked_folders:
            tops += sorted(links)
        else:
            named = [link for link in links if _is_audio(link)]  # count as files
            found += [Found(path_of(link), False) for link in named]
            passed_over.update({path_of(link): LINKED_FOLDER for link in links if link not in named})
    return Walk(sorted(found, key=lambda item: os.fsencode(item.path)), passed_over)


def scan(
    sources: Iterable[Source],
    *,
    root: Path,
    progress: Callable[[Sequence[Found]], Iterable[Found]] | None = None,
    sha256: Callable[[Path], str] = sha256_file,
    listed: Mapping[str, Listing] | None = None,
) -> dict[str, Any]:
    """A listing of all sources.

    Args:
        sources: Of params.
        root: What relative folder paths are relative to.
        progress: Wraps the files of a folder, to show progress.
        sha256: Digest of a file; one that remembers spares reading.
        listed: What buckets hold, by the sources' names, where that is known; others are asked.

    Raises:
        FileNotFoundError: A folder source is not there.
        StoreError: A bucket cannot be listed.
    """
    show = progress or (lambda items: items)
    entries = []
    for source in sources:
        entry = source.model_dump()
        if isinstance(source, FolderSource):
            folder = root / source.path
            names = walk(folder, linked_folders=source.linked_folders, hidden=source.hidden).files
            entry["files"] = [_entry(folder, found, sha256) for found in show(names)]
        if isinstance(source, S3Source):
            del entry["fetch"]  # how it comes here is no part of what it holds
            known = (listed or {}).get(source.name)
            entry["files"] = _object_entries(known or list_objects(source, client_of(source)))
        entries.append(entry)
    return {"sources": entries}


def _is_audio(name: str) -> bool:
    return Path(name).suffix.lower() in EXTENSIONS


def _object_entries(listing: Listing) -> list[dict[str, Any]]:
    """Objects, and keys of a manifest that are not there, in the order of their bytes."""
    entries: list[dict[str, Any]] = [
        {"path": item.key, "bytes": item.bytes, "etag": item.etag} | ({"sha256": item.sha256} if item.sha256 else {})
        for item in listing.objects
    ]
    entries += [{"path": key, "bytes": None, "etag": None} for key in listing.failed]
    return sorted(entries, key=lambda entry: str(entry["path"]).encode())


def _entry(folder: Path, found: Found, sha256: Callable[[Path], str]) -> dict[str, Any]:
    if not found.regular:
        return {"path": found.printable, "bytes": None, "sha256": None}
    full = folder / found.path
    return {"path": found.printable, "bytes": full.stat().st_size, "sha256": sha256(full)}
