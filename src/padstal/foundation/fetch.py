"""Fetching published weights: one file of one pinned revision of a hub repository, checked by sha256."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from padstal.foundation.store import verify

PINNED = re.compile(r"[0-9a-f]{40}")


class FetchError(RuntimeError):
    """A file could not be had; the message names repository, revision, file and what to do."""


@dataclass(frozen=True)
class Published:
    """Where published files lie.

    Attributes:
        repository: "owner/name" on the hub, or a local folder that holds the files.
        revision: Commit of the repository, 40 hexadecimal digits; ignored for a local folder.
        files: File name → sha256 of its content.
    """

    repository: str
    revision: str
    files: Mapping[str, str]

    @property
    def origin(self) -> str:
        """How a model card names it."""
        return f"{self.repository}@{self.revision}"


def fetch(source: Published, folder: Path) -> dict[str, Path]:
    """Bring the files of `source` into `folder` and check them.

    Returns:
        File name → path under `folder`.

    Raises:
        FetchError: No hub and no local folder has the file, or the revision is no commit.
        UntrustedFileError: A file's sha256 is not the expected one.
    """
    found: dict[str, Path] = {}
    for name, sha256 in source.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        local = Path(source.repository) / name
        if local.is_file():
            shutil.copyfile(local, target)
        else:
            _download(source, name, folder)
        verify(target, sha256)
        found[name] = target
    return found


def _download(source: Published, name: str, folder: Path) -> None:
    if not PINNED.fullmatch(source.revision):
        raise FetchError(
            f"{source.repository}: revision {source.revision!r}: expected a commit of 40 hexadecimal digits "
            "(the history of the repository on the hub lists them); a branch or tag can change under you"
        )
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(source.repository, name, revision=source.revision, local_dir=folder)
    except Exception as error:  # offline, no such repository, no permission: the hub has a class for each
        raise FetchError(
            f"{source.repository}@{source.revision}: {name}: cannot be fetched ({type(error).__name__}). "
            "Check the connection, or fetch it elsewhere, put it into a folder and name that folder as `repository`"
        ) from error
