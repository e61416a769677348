"""Local files as params would pin them."""

from collections.abc import Mapping
from pathlib import Path

from padstal.core.data.content import sha256_file
from padstal.foundation.fetch import PinnedFiles


def pinned(folder: Path, *names: str) -> PinnedFiles:
    """The files `names` of `folder` with their sha256."""
    return with_sha256(folder, {name: sha256_file(folder / name) for name in names})


def with_sha256(repository: Path | str, sha256: Mapping[str, str], revision: str = "local") -> PinnedFiles:
    return PinnedFiles(repository=str(repository), revision=revision, sha256=dict(sha256))
