"""Where DVC keeps objects: this machine's cache and the remotes of its config, through DVC's own file systems."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padstal.core.dvc_objects import OBJECTS, key_of, md5_of_stream, oid_of

if TYPE_CHECKING:
    from dvc.config import Config

QUARANTINE = "quarantine/"
"""What is corrupt is moved here, below the place it lay in."""
ADVICE = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary ones) or AWS_PROFILE, "
    "`aws sso login`, or `dvc remote modify --local {name} access_key_id …` and so on"
)


class RemoteError(ValueError):
    """A remote gives no usable answer; the message says which and why."""


class RefusedError(RemoteError):
    """A remote refuses us; the message says what to set."""


@dataclass(frozen=True)
class Entry:
    """A file of a store: its key below it, its length, and the store's ETag where there is one."""

    key: str
    bytes: int
    etag: str = ""


@dataclass(frozen=True)
class Store:
    """A cache or a remote.

    Methods raise `RemoteError` where a remote does not answer, and FileNotFoundError for a key that is not there.

    Attributes:
        name: "cache", or "remote NAME".
        base: Folder, or `bucket/prefix`, that holds `files/md5/` and `runs/`.
        fs: DVC's file system of it.
    """

    name: str
    base: str
    fs: Any

    @property
    def kind(self) -> str:
        """ "local", "s3" or another of DVC's protocols."""
        protocol = self.fs.protocol
        return str(protocol if isinstance(protocol, str) else protocol[0])

    def path(self, key: str) -> str:
        """Of a file, as its file system names it."""
        return f"{self.base}/{key}"

    def entries(self, folder: str) -> list[Entry]:
        """All files below a folder ("files/md5/", "runs/")."""
        base = self.path(folder).rstrip("/")
        with self._asking():
            if self.kind == "local":
                return [*self._files(base)]
            self.fs.fs.invalidate_cache()
            found = self.fs.fs.find(base, detail=True).items()
        return [
            Entry(path.removeprefix(f"{self.base}/"), int(info["size"] or 0), str(info.get("ETag", "")).strip('"'))
            for path, info in found
            if info["type"] == "file" and not path.endswith("/")  # a mark of a folder, as some tools write
        ]

    def _files(self, folder: str) -> Iterator[Entry]:
        for path in self.fs.find(folder):
            with contextlib.suppress(FileNotFoundError):  # it went meanwhile
                yield Entry(os.path.relpath(path, self.base), os.path.getsize(path))

    def md5(self, key: str, advance: Callable[[int], object] = lambda count: None) -> str:
        """MD5 of a file's bytes; `advance` is told how many were read."""
        with self._asking(key), self.fs.open(self.path(key), "rb") as stream:
            return md5_of_stream(stream, advance)

    def read(self, key: str) -> bytes:
        """A small file."""
        with self._asking(key), self.fs.open(self.path(key), "rb") as stream:
            return bytes(stream.read())

    def objects(self) -> dict[str, Entry]:
        """All objects by name; what lies among them and is none is left out."""
        return {oid: entry for entry in self.entries(OBJECTS) if (oid := oid_of(entry.key)) is not None}

    def holds(self, oid: str) -> bool:
        """Whether an object is there, whatever its bytes."""
        with self._asking(oid):
            return bool(self.fs.isfile(self.path(key_of(oid))))

    def add(self, oid: str, fs: Any, path: str) -> bool:
        """Copy an object from any of DVC's file systems; whether what came, read again, is what its name says."""
        from dvc_data.hashfile.db import get_odb

        with self._asking(oid):
            objects = get_odb(self.fs, self.path(OBJECTS.rstrip("/")), hash_name="md5")
            objects.add(path, fs, oid, verify=True)
        return self.holds(oid)

    def set_aside(self, key: str, mark: str) -> str:
        """Move a file to the quarantine; gives its new key. `mark` tells apart several of one name."""
        new = f"{QUARANTINE}{key.removeprefix(OBJECTS).replace('/', '', 1)}.{mark}"
        with self._asking(key):
            self.fs.mv(self.path(key), self.path(new))
        return new

    @contextlib.contextmanager
    def _asking(self, key: str = "") -> Iterator[None]:
        where = f"{self.name}: {key}" if key else self.name
        try:
            yield
        except Exception as error:  # DVC's file systems raise what their libraries raise
            if self.kind == "local" or (key and isinstance(error, FileNotFoundError)):
                raise
            if isinstance(error, PermissionError) or "Credential" in type(error).__name__:
                advice = ADVICE.format(name=self.name.removeprefix("remote "))
                raise RefusedError(f"{where}: refused: {error}; {advice}") from error
            text = f"{type(error).__name__}: {error}; is its address right, and is it up?"
            raise RemoteError(f"{where}: no usable answer: {text}") from error


def read_config(root: Path) -> "Config":
    """DVC's config: the repository's, `config.local`, the user's and the system's.

    Raises:
        FileNotFoundError: No DVC repository.
    """
    from dvc.config import Config

    if not (root / ".dvc").is_dir():
        raise FileNotFoundError(f"{root}: no .dvc here; run from the repository's root")
    return Config(str(root / ".dvc"))


def cache_of(config: "Config") -> Store:
    """The cache."""
    from dvc_objects.fs import localfs

    return Store("cache", os.path.join(config.dvc_dir, config["cache"].get("dir") or "cache"), localfs)


def default_remote(config: "Config") -> str:
    """Name of the default remote; "" for none."""
    return config["core"].get("remote") or ""


def remote_of(config: "Config", name: str = "") -> Store:
    """The remote of that name, or the default one.

    Raises:
        ValueError: No such remote, or DVC has no file system for it here.
    """
    from dvc.exceptions import DvcException
    from dvc.fs import get_cloud_fs

    name = name or default_remote(config)
    if name not in config["remote"]:
        known = ", ".join(sorted(config["remote"])) or "none"
        raise ValueError(f"DVC remote {name!r}: not in .dvc/config (there: {known}); `dvc remote add -d NAME URL`")
    try:
        kind, settings, base = get_cloud_fs(config, name=name)
        if settings.get("version_aware") or settings.get("worktree"):
            raise ValueError(f"DVC remote {name!r}: expected one that holds objects, this one holds files by version")
        return Store(f"remote {name}", str(base).rstrip("/"), kind(**settings))
    except (DvcException, ImportError, RuntimeError) as error:
        raise ValueError(f"DVC remote {name!r}: {error}") from None
