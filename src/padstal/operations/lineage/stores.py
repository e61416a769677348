"""Objects of this machine's cache and of all remotes of DVC's config: read by MD5, and removed for good."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from padstal.core.dvc_lock import LockedPath
from padstal.core.dvc_objects import RUNS, TreeError, key_of, oid_of_tree, read_tree, write_tree
from padstal.ingest.s3.versions import erase
from padstal.operations.integrity.remotes import RemoteError, Store, cache_of, read_config, remote_of

ATTEMPTS = 6
"""To remove objects from a busy store."""


@dataclass
class Stores:
    """The cache first, then all remotes; listings of folders that were read are remembered.

    Attributes:
        unreadable: Remote → why it could not be read; it is passed over from then on.
    """

    all: tuple[Store, ...]
    unreadable: dict[str, str] = field(default_factory=dict)
    _folders: dict[str, dict[str, str]] = field(default_factory=dict)

    def read(self, md5: str) -> bytes | None:
        """An object's bytes, from wherever it is; None where it is nowhere."""
        return next(self._asked(lambda store: [store.read(key_of(md5))]), None)

    def runs(self) -> Iterator[bytes]:
        """Entries of all run-caches."""
        return self._asked(lambda store: [store.read(entry.key) for entry in store.entries(RUNS)])

    def files(self, out: LockedPath) -> dict[str, str]:
        """Relative path → MD5 of the files of a folder; none where its listing is nowhere, or cannot be read."""
        if out.is_folder and out.md5 not in self._folders:
            self._folders[out.md5] = {}
            with contextlib.suppress(TreeError):
                self._folders[out.md5] = dict(read_tree(self.read(out.md5) or b""))
        return self._folders.get(out.md5, {})

    def folder_oid(self, path: str, outs: Iterable[LockedPath]) -> str:
        """DVC's name of a folder of these outputs and nothing else, as far as their listings are there."""
        entries = [
            (f"{out.path.removeprefix(f'{path}/')}/{inside}".rstrip("/"), md5)
            for out in outs
            for inside, md5 in (self.files(out) if out.is_folder else {"": out.md5}).items()
        ]
        return oid_of_tree(write_tree(entries))

    def _asked(self, question: Callable[[Store], list[bytes]]) -> Iterator[bytes]:
        for store in self.all:
            if store.name in self.unreadable:
                continue
            try:
                yield from question(store)
            except FileNotFoundError:
                continue
            except RemoteError as error:
                self.unreadable[store.name] = str(error)


def open_stores(root: Path) -> Stores:
    """The cache and the remotes of the repository at `root`, as its DVC config has them.

    Raises:
        FileNotFoundError: There is no DVC repository.
        ValueError: DVC has no file system for a remote here.
    """
    config = read_config(root)
    return Stores((cache_of(config), *(remote_of(config, name) for name in sorted(config["remote"]))))


def remove(store: Store, keys: Collection[str]) -> str:
    """Remove files in their order, in S3 with all versions; says what a person should know, or "".

    Raises:
        StoreError: One could not be removed.
    """
    if store.kind == "s3":
        return _remove_versions(store, keys)
    for key in tqdm(keys, desc="forget", unit="object", leave=False, disable=None):
        with contextlib.suppress(FileNotFoundError):
            store.fs.rm_file(store.path(key))
    local = store.kind == "local"
    return "" if local else f"{store.name}: a store of kind {store.kind}; versions that it may keep were not looked for"


def _remove_versions(store: Store, keys: Collection[str]) -> str:
    bucket, _, prefix = store.base.partition("/")
    names = {f"{prefix}/{key}".lstrip("/") for key in keys}
    below = {f"{name.rpartition('/')[0]}/" for name in names}  # a folder of 1/256 of the objects, for all of its keys
    listed = erase(_client(store.fs.fs_args), bucket, names, below=below)
    return "" if listed else f"{store.name}: this store lists no versions; only what it shows was removed"


def _client(settings: dict[str, Any]) -> Any:
    """boto3's client with the address and credentials that DVC's file system has."""
    import boto3
    from botocore.config import Config

    session = boto3.Session(
        aws_access_key_id=settings.get("key"),
        aws_secret_access_key=settings.get("secret"),
        aws_session_token=settings.get("token"),
        profile_name=settings.get("profile"),
    )
    options = Config(retries={"max_attempts": ATTEMPTS, "mode": "standard"})
    return session.client("s3", config=options, **settings.get("client_kwargs", {}))
