"""Fetching published weights: files of one pinned revision of a hub repository, each checked by sha256."""

import re
import shutil
from pathlib import Path
from typing import Annotated

from pydantic import Field

from padstal.core.data.content import sha256_file
from padstal.core.section import Section, value
from padstal.core.untrusted import UntrustedFileError

PINNED = re.compile(r"[0-9a-f]{40}")
FETCHED = Path("checkpoints")
"""Where files of hub repositories may lie that were fetched beforehand: `checkpoints/owner/name/file`."""
UNVERIFIED = "unverified"
"""Stands in params.yaml for a sha256 that nobody has looked at yet; such a file is refused."""


class FetchError(RuntimeError):
    """A file could not be had; the message names repository, revision, file and what to do."""


class PinnedFiles(Section):
    """Published files, pinned."""

    repository: str = value("owner/name on the hub, or a local folder that holds the files", min_length=3)
    revision: str = value("commit, 40 hexadecimal digits; 'unverified' until someone has chosen it", min_length=1)
    sha256: dict[str, Annotated[str, Field(pattern=r"^([0-9a-f]{64}|unverified)$")]] = value(
        "file name → sha256 of its content; 'unverified' is refused until it is replaced", min_length=1
    )
    licence: str = value("that its publisher states; `padstal weights pin` asks for it", default="")

    @property
    def folder(self) -> Path:
        """Where its files lie, or are put: the local folder that it names, or `checkpoints/owner/name`."""
        own = Path(self.repository)
        return own if own.is_absolute() or own.is_relative_to(FETCHED) or own.is_dir() else FETCHED / own

    @property
    def origin(self) -> str:
        """How a model card names it."""
        return f"{self.repository}@{self.revision}"


def fetch(source: PinnedFiles, folder: Path) -> dict[str, Path]:
    """Bring the files of `source` into `folder` and check them.

    Returns:
        File name → path under `folder`.

    Raises:
        FetchError: No hub and no local folder has the file, or the revision is no commit.
        UntrustedFileError: A file's sha256 is not the expected one.
    """
    found: dict[str, Path] = {}
    for name, sha256 in source.sha256.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        local = source.folder / name
        if local.is_file():
            shutil.copyfile(local, target)
        else:
            download(source, name, folder)
        verify(target, sha256)
        found[name] = target
    return found


def verify(path: Path, sha256: str) -> None:
    """Check that the file `path` has the content `sha256`.

    Raises:
        UntrustedFileError: It has not, or the expected value was never filled in.
    """
    found = sha256_file(path)
    if sha256 == UNVERIFIED:
        raise UntrustedFileError(
            f"{path.name}: params.yaml has {UNVERIFIED!r} for its sha256, so it was not read. "
            f"What was fetched has {found}: compare that with the checksum that its publisher shows, "
            "then put it into params.yaml (`padstal weights pin`)"
        )
    if found != sha256.lower():
        raise UntrustedFileError(f"{path}: sha256 is {found}, expected {sha256}; the file was not read")


def download(source: PinnedFiles, name: str, folder: Path) -> None:
    """Bring one file of the pinned revision from the hub into `folder`; its content is not checked.

    Raises:
        FetchError: It cannot be had; says where to put it by hand.
    """
    target = source.folder / name
    if source.folder == Path(source.repository):
        raise FetchError(
            f"{source.repository} is a folder of this machine: fetch {name} by hand and put it at {target}"
        )
    if not PINNED.fullmatch(source.revision):
        raise FetchError(
            f"{source.repository}: revision {source.revision!r}: expected a commit of 40 hexadecimal digits "
            "(the history of the repository on the hub lists them); a branch or tag can change under you. "
            f"Name one in params.yaml, or fetch {name} elsewhere and put it at {target}"
        )
    from huggingface_hub import hf_hub_download

    try:
        hf_hub_download(source.repository, name, revision=source.revision, local_dir=folder)
    except Exception as error:  # offline, no such repository, no permission: the hub has a class for each
        raise FetchError(
            f"{source.repository}@{source.revision}: {name}: cannot be fetched ({type(error).__name__}). "
            f"Check the connection, or fetch it elsewhere and put it at {target}"
        ) from error
