"""The cache and the remotes as DVC's config names them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.ingest.s3.errors import RetryBudget
from padstal.ingest.s3.objects import Store
from padstal.operations.integrity.bucket import CONNECTIONS, Bucket
from padstal.operations.integrity.locations import Folder, Place

KEYS = {
    "access_key_id": "aws_access_key_id",
    "secret_access_key": "aws_secret_access_key",
    "session_token": "aws_session_token",
    "profile": "profile_name",
}
"""DVC's name → boto3's."""
EXTRA = {"sse": "ServerSideEncryption", "sse_kms_key_id": "SSEKMSKeyId", "acl": "ACL"}


@dataclass(frozen=True)
class Config:
    """What DVC is told of this clone.

    Attributes:
        root: The repository.
        cache: Folder of the cache.
        links: How the workspace gets a file of the cache, by preference.
        default: Name of the default remote; "" for none.
        remotes: Name → its settings.
    """

    root: Path
    cache: Path
    links: tuple[str, ...]
    default: str
    remotes: dict[str, dict[str, Any]]

    @property
    def temporary(self) -> Path:
        """DVC's folder for locks."""
        return self.root / ".dvc" / "tmp"


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
    cache = config["cache"]
    links = cache.get("type") or ["reflink", "copy"]
    return Config(
        root,
        Path(os.path.join(folder, cache.get("dir") or "cache")),
        tuple(links if isinstance(links, list) else [links]),
        config["core"].get("remote") or "",
        {name: dict(settings) for name, settings in config["remote"].items()},
    )


def is_local(settings: dict[str, Any]) -> bool:
    """Whether a remote is a folder of this machine."""
    return "://" not in settings["url"] or settings["url"].startswith("file://")


def remote_of(
    config: Config,
    name: str = "",
    *,
    retry_budget: RetryBudget | None = None,
    timeout_seconds: float = 30.0,
    read_all: bool = False,
) -> Place:
    """The remote of that name, or the default one.

    Raises:
        ValueError: No such remote, or one that is neither a folder nor S3.
        StoreError: It cannot be asked.
    """
    name = name or config.default
    if name not in config.remotes:
        known = ", ".join(sorted(config.remotes)) or "none"
        raise ValueError(f"DVC remote {name!r}: not in .dvc/config (there: {known}); `dvc remote add -d NAME URL`")
    settings = config.remotes[name]
    url = settings["url"]
    if is_local(settings):
        return Folder(Path(os.path.join(config.root / ".dvc", url.removeprefix("file://"))), f"remote {name}")
    if not url.startswith("s3://"):
        raise ValueError(f"DVC remote {name!r} at {url}: expected a folder or s3://; `dvc status --cloud` asks others")
    extra = {ours: settings[theirs] for theirs, ours in EXTRA.items() if settings.get(theirs)}
    store = store_of_remote(settings, timeout_seconds)
    return Bucket(store, f"remote {name}", retry_budget, extra=extra, read_all=read_all)


def store_of_remote(settings: Mapping[str, Any], timeout_seconds: float = 30.0) -> Store:
    """The S3-compatible store that the settings of a DVC remote name."""
    for variable, key in (("AWS_SHARED_CREDENTIALS_FILE", "credentialpath"), ("AWS_CONFIG_FILE", "configpath")):
        if settings.get(key):
            os.environ.setdefault(variable, settings[key])  # as DVC does
    return Store(
        settings["url"],
        settings.get("endpointurl"),
        settings.get("region"),
        bool(settings.get("allow_anonymous_login")),
        timeout_seconds,
        CONNECTIONS,
        {ours: settings[theirs] for theirs, ours in KEYS.items() if settings.get(theirs)},
        settings.get("ssl_verify"),
    )
