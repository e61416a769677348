"""W&B's server, as far as lineage needs it: versions by content, who made them, what a run used. Nothing else asks it.

Every call adds only what is not there, so it may be repeated.
"""

import os
import socket
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from padstal.core.dvc_lock import LockedPath
from padstal.core.secrets import redact
from padstal.operations.tracking.artefact import collection_of, content_alias
from padstal.operations.tracking.credentials import wandb_credentials

PUBLIC = "https://api.wandb.ai"
ANSWER_SECONDS = 30
"""A request without an answer by then has failed."""
CONNECT_SECONDS = 10

Found = TypeVar("Found")


class ServerError(ValueError):
    """W&B cannot be asked; the message says what is missing, and holds no secret."""


@dataclass(frozen=True)
class Joined:
    """What W&B was told of a run's inputs: how many it learned of, and those that it has no version of."""

    added: int
    absent: tuple[LockedPath, ...]


class Server:
    """A project on W&B's server.

    Raises:
        ServerError: No credentials, no answer, or they are refused.
    """

    def __init__(self, project: str, entity: str | None):
        if wandb_credentials() is None:
            raise ServerError("no WANDB_API_KEY in the environment: set it, or `wandb login`, then sync again")
        import wandb

        address = os.environ.get("WANDB_BASE_URL") or PUBLIC
        try:
            _check_reachable(address)
            self._api = wandb.Api(timeout=ANSWER_SECONDS)
            self.entity = entity or str(self._api.viewer.entity)
        except Exception as error:
            raise ServerError(f"{redact(address)} cannot be asked: {brief(error)}") from None
        self.project = project

    def version(self, artefact: LockedPath) -> Any | None:
        """The version with this content, `None` where W&B has none."""
        name = f"{self.entity}/{self.project}/{collection_of(artefact)}:{content_alias(artefact)}"
        return _asked(name, lambda: self._api.artifact(name))

    def run(self, name: str, project: str = "") -> Any | None:
        """The run with this id, `None` where there is none."""
        path = f"{self.entity}/{project or self.project}/{name}"
        return _asked(path, lambda: self._api.run(path))

    def maker(self, version: Any) -> Any | None:
        """The run that made a version."""
        return _asked(str(version.name), version.logged_by)

    def join(self, run: Any, inputs: Iterable[LockedPath]) -> Joined:
        """Say that `run` used `inputs`."""
        used = _asked(run.id, lambda: {version.id for version in run.used_artifacts()}) or set()
        added, absent = 0, []
        for artefact in inputs:
            version = self.version(artefact)
            if version is None:
                absent.append(artefact)
            elif version.id not in used:
                _asked(run.id, lambda version=version: run.use_artifact(version))  # type: ignore[misc]
                used.add(version.id)
                added += 1
        return Joined(added, tuple(absent))

    def name(self, artefact: LockedPath, alias: str) -> bool | None:
        """Give a version an alias, which leaves the one that had it; whether it is new, `None` without a version."""
        version = self.version(artefact)
        if version is None:
            return None
        if alias in version.aliases:
            return False
        version.aliases.append(alias)
        _asked(str(version.name), version.save)
        return True


def _asked(what: str, ask: Callable[[], Found]) -> Found | None:
    """The server's answer, `None` where it says that there is no such thing.

    Raises:
        ServerError: Anything else.
    """
    from wandb.errors import CommError

    try:
        return ask()
    except Exception as error:
        said = str(error).lower()
        if isinstance(error, ValueError | CommError) and ("not found" in said or "could not find" in said):
            return None
        raise ServerError(f"{what}: {brief(error)}") from None


def _check_reachable(address: str) -> None:
    """Fail in seconds where nobody listens: W&B's client tries for long. Behind a proxy only the client can tell."""
    place = urlsplit(address)
    if place.scheme not in urllib.request.getproxies():
        port = place.port or (443 if place.scheme == "https" else 80)
        socket.create_connection((place.hostname or "", port), timeout=CONNECT_SECONDS).close()


def brief(error: Exception) -> str:
    """An error of W&B's in one line without secrets."""
    lines = redact(str(error)).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
