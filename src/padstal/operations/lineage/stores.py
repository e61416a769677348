"""Where DVC keeps objects: this machine's cache and the remotes of its config; read by MD5, and removed for good."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from padstal.core.dvc_objects import OBJECTS, RUNS, key_of, read_tree
from padstal.ingest.s3.versions import erase
from padstal.operations.integrity.remotes import store_of_remote

ATTEMPTS = 6
"""To remove objects from a busy store."""


@dataclass(frozen=True)
class Place:
    """A cache or a remote.

    Attributes:
        name: "cache", or the remote's name.
        base: Folder, or `bucket/prefix`, that holds `files/md5/` and `runs/`.
        fs: DVC's file system of it.
        config: The remote's settings.
        kind: "local", "s3" or another of DVC's.
    """

    name: str
    base: str
    fs: Any
    config: dict[str, Any] = field(default_factory=dict)
    kind: str = "local"

    @property
    def remote(self) -> bool:
        return self.name != "cache"

    def paths(self, md5: str) -> tuple[str, str]:
        """Where an object lies, as DVC 3 and as DVC 2 had it."""
        key = key_of(md5)
        return f"{self.base}/{key}", f"{self.base}/{key.removeprefix(OBJECTS)}"

    def runs(self) -> Iterator[str]:
        """Entries of the run-cache."""
        folder = f"{self.base}/{RUNS}".rstrip("/")
        if self.fs.exists(folder):
            yield from sorted(self.fs.find(folder))

    def read(self, path: str) -> bytes | None:
        try:
            with self.fs.open(path, "rb") as file:
                content: bytes = file.read()
                return content
        except FileNotFoundError:
            return None

    def forget_listings(self) -> None:
        """Ask the store itself next time, not what was remembered of it."""
        inner = getattr(self.fs, "fs", None)
        if inner is not None and hasattr(inner, "invalidate_cache"):
            inner.invalidate_cache()

    def present(self, md5s: Collection[str]) -> list[str]:
        """Those of the objects that are here; a remote lists the folders they would be in."""
        if self.kind == "local":
            return [md5 for md5 in md5s if any(self.fs.exists(path) for path in self.paths(md5))]
        folders = {path.rpartition("/")[0] for md5 in md5s for path in self.paths(md5)}
        found = {path for folder in sorted(folders) if self.fs.exists(folder) for path in self.fs.find(folder)}
        return [md5 for md5 in md5s if found.intersection(self.paths(md5))]

    def remove(self, paths: Collection[str], show: Callable[..., Iterable[Any]]) -> str:
        """Remove files and say what that was; in S3 with all versions.

        Raises:
            StoreError: One could not be removed.
        """
        if self.kind == "s3":
            return self._remove_versions(paths)
        for path in show(list(paths), unit="object"):  # in their order: a listing goes after what it lists
            try:
                self.fs.rm_file(path) if self.kind != "local" else Path(path).unlink()
            except FileNotFoundError:
                continue
        if self.kind == "local":
            return ""
        return f"{self.name}: a store of kind {self.kind}; versions that it may keep were not looked for"

    def _remove_versions(self, paths: Collection[str]) -> str:
        keys: dict[str, set[str]] = defaultdict(set)
        below: dict[str, set[str]] = defaultdict(set)
        for path in paths:
            bucket, _, key = path.partition("/")
            keys[bucket].add(key)
            below[bucket].add(f"{key.rpartition('/')[0]}/")  # a folder of 1/256 of the objects, for all of its keys
        client = store_of_remote(self.config).client(ATTEMPTS)
        told = ""
        for bucket, wanted in keys.items():
            if erase(client, bucket, wanted, below=below[bucket]).unversioned:
                told = f"{self.name}: this store lists no versions; only what it shows was removed"
        return told


@dataclass
class Stores:
    """The cache first, then all remotes; listings of folders that were read are remembered.

    Attributes:
        unreadable: Remote → why it could not be read; it is passed over from then on.
    """

    places: tuple[Place, ...]
    unreadable: dict[str, str] = field(default_factory=dict)
    _folders: dict[str, dict[str, str] | None] = field(default_factory=dict)

    def read(self, md5: str) -> bytes | None:
        """An object's bytes, from wherever it is; None where it is nowhere."""
        for place in self.places:
            content: bytes | None = self._asked(place, partial(_first, place, md5))
            if content is not None:
                return content
        return None

    def runs(self) -> Iterator[bytes]:
        """Entries of all run-caches."""
        for place in self.places:
            for path in self._asked(place, partial(list, place.runs())) or ():
                yield self._asked(place, partial(place.read, path)) or b""

    def _asked(self, place: Place, question: Callable[[], Any]) -> Any:
        if place.name in self.unreadable:
            return None
        try:
            return question()
        except Exception as error:  # DVC's file systems raise what their libraries raise
            if not place.remote:
                raise
            self.unreadable[place.name] = f"{type(error).__name__}: {error}"
            return None

    def folder(self, md5: str) -> dict[str, str] | None:
        """Relative path → MD5 of the files of a folder; None where its listing is nowhere, or cannot be read."""
        if md5 not in self._folders:
            content = self.read(md5)
            try:
                self._folders[md5] = None if content is None else dict(read_tree(content))
            except ValueError:
                self._folders[md5] = None
        return self._folders[md5]


def _first(place: Place, md5: str) -> bytes | None:
    return next((content for path in place.paths(md5) if (content := place.read(path)) is not None), None)


def open_stores(root: Path) -> Stores:
    """The cache and the remotes of the repository at `root`, as its DVC config has them.

    Raises:
        ValueError: There is no DVC repository.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        repo = Repo(str(root))
    except NotDvcRepoError as error:
        raise ValueError(f"{root}: expected a DVC repository: {error}") from None
    with repo:
        cache = repo.cache.legacy
        places = [Place("cache", str(cache.path), cache.fs)]
        for name in sorted(repo.config["remote"]):
            odb = repo.cloud.get_remote_odb(name)
            base = str(odb.path).removesuffix(f"/{OBJECTS}".rstrip("/"))
            places.append(Place(name, base, odb.fs, dict(repo.config["remote"][name]), str(odb.fs.protocol)))
    return Stores(tuple(places))
