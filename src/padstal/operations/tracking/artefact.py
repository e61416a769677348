"""What a file or folder of the pipeline is called in W&B: a collection for each place, a version for each content.

`models/demo/vae/tal` is a version of the collection `vae-tal`, kind `model`. Its aliases are `latest`, the scale
(`demo`) and its content (`md5-…`), by which runs that share bytes are joined. A promoted model has `champion`, too.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.dvc_lock import LockedPath
from padstal.core.params import SCALES

KINDS = {"data": "dataset", "models": "model", "reports": "report"}
LONGEST = 128
"""Characters of a name that W&B takes."""


@dataclass(frozen=True)
class Artefact:
    """One version.

    Attributes:
        path: Relative to the repository's root, as in `dvc.lock`.
        md5: Its content's address, as in `dvc.lock` (`….dir` for a folder).
        total_bytes: Sum of its files' lengths.
        files: Number of its files.
    """

    path: str
    md5: str
    total_bytes: int = 0
    files: int = 1

    @property
    def scale(self) -> str:
        """The scale that it belongs to; "" if none."""
        parts = self.path.split("/")
        return parts[1] if len(parts) > 2 and parts[1] in SCALES else ""

    @property
    def collection(self) -> str:
        parts = self.path.split("/")
        own = parts[2:] if self.scale and parts[0] in KINDS else parts
        return re.sub(r"[^\w.-]", "-", "-".join(own))[:LONGEST]

    @property
    def kind(self) -> str:
        return KINDS.get(self.path.split("/")[0], "artefact")

    @property
    def content_alias(self) -> str:
        return f"md5-{self.md5.removesuffix('.dir')}"

    @property
    def aliases(self) -> list[str]:
        return ["latest", *([self.scale] if self.scale else []), self.content_alias]

    def about(self) -> dict[str, Any]:
        """As config and metadata have it."""
        return {"path": self.path, "md5": self.md5, "bytes": self.total_bytes, "files": self.files}


def artefact(locked: LockedPath) -> Artefact:
    """The artefact that an entry of `dvc.lock` stands for."""
    return Artefact(locked.path, locked.md5, locked.bytes, locked.files)


def place_of(path: Path, root: Path) -> str:
    """`path` as `dvc.lock` writes it; the bare name of what lies outside `root`."""
    try:
        return Path(path).absolute().relative_to(Path(root).absolute()).as_posix()
    except ValueError:
        return Path(path).name


def version(artefact: Artefact) -> Any:
    """A `wandb.Artifact` of it: only the address, for DVC keeps the bytes. Equal content gives equal versions."""
    import wandb

    made = wandb.Artifact(artefact.collection, type=artefact.kind, metadata=artefact.about())
    with made.new_file("content.json") as file:
        json.dump({"md5": artefact.md5}, file)
    return made
