"""Where DVC keeps objects: this machine's cache and the remotes of its config, through DVC's own file systems."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.dvc_objects import OBJECTS, key_of, md5_of_stream, oid_of

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
class Config:
    """What DVC is told of this clone.

    Attributes:
        cache: Folder of the cache.
        links: How the workspace gets a file of the cache, by preference.
        default: Name of the default remote; "" for none.
        remotes: Their names.
        dvc: DVC's own record of it.
    """

    cache: Path
    links: tuple[str, ...]
    default: str
    remotes: tuple[str, ...]
    dvc: Any


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
                files = [Path(parent, name) for parent, _, names in os.walk(base) for name in names]
                return [Entry(file.relative_to(self.base).as_posix(), file.stat().st_size) for file in files]
            self.fs.fs.invalidate_cache()
            found = self.fs.fs.find(base, detail=True).items()
        return [
            Entry(path.removeprefix(f"{self.base}/"), int(info["size"] or 0), str(info.get("ETag", "")).strip('"'))
            for path, info in found
            if info["type"] == "file" and not path.endswith("/")  # a mark of a folder, as some tools write
        ]

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


def read_config(root: Path) -> Config:
    """DVC's config: the repository's, `config.local`, the user's and the system's.

    Raises:
        FileNotFoundError: No DVC repository.
    """
    from dvc.config import Config as DvcConfig

    folder = root / ".dvc"
    if not folder.is_dir():
        raise FileNotFoundError(f"{root}: no .dvc here; run from the repository's root")
    config = DvcConfig(str(folder))
    links = config["cache"].get("type") or ["reflink", "copy"]
    return Config(
        Path(os.path.join(folder, config["cache"].get("dir") or "cache")),
        tuple(links if isinstance(links, list) else [links]),
        config["core"].get("remote") or "",
        tuple(sorted(config["remote"])),
        config,
    )


def cache_of(config: Config) -> Store:
    """The cache."""
    from dvc_objects.fs import localfs

    return Store("cache", str(config.cache), localfs)


def remote_of(config: Config, name: str = "") -> Store:
    """The remote of that name, or the default one.

    Raises:
        ValueError: No such remote, or DVC has no file system for it here.
    """
    from dvc.exceptions import DvcException
    from dvc.fs import get_cloud_fs

    name = name or config.default
    if name not in config.remotes:
        known = ", ".join(config.remotes) or "none"
        raise ValueError(f"DVC remote {name!r}: not in .dvc/config (there: {known}); `dvc remote add -d NAME URL`")
    try:
        kind, settings, base = get_cloud_fs(config.dvc, name=name)
        if settings.get("version_aware") or settings.get("worktree"):
            raise ValueError(f"DVC remote {name!r}: expected one that holds objects, this one holds files by version")
        return Store(f"remote {name}", str(base).rstrip("/"), kind(**settings))
    except (DvcException, ImportError, RuntimeError) as error:
        raise ValueError(f"DVC remote {name!r}: {error}") from None
