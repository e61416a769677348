"""What a file or folder of the pipeline is called in W&B: a collection for each place, a version for each content.

`models/demo/vae/tal` is a version of the collection `vae-tal`, kind `model`. Its aliases are `latest`, the scale
(`demo`) and its content (`md5-…`), by which runs that share bytes are joined. A promoted model has `champion`, too.
"""

import json
import re
from pathlib import Path
from typing import Any

from padstal.core.dvc_lock import LockedPath
from padstal.core.dvc_objects import digits
from padstal.core.params import SCALES

KINDS = {"data": "dataset", "models": "model", "reports": "report"}
LONGEST = 128
"""Characters of a name that W&B takes."""


def scale_of(one: LockedPath) -> str:
    """The scale that it belongs to; "" if none."""
    parts = one.path.split("/")
    return parts[1] if len(parts) > 2 and parts[1] in SCALES else ""


def collection_of(one: LockedPath) -> str:
    """Its collection, of all its versions."""
    parts = one.path.split("/")
    own = parts[2:] if scale_of(one) and parts[0] in KINDS else parts
    return re.sub(r"[^\w.-]", "-", "-".join(own))[:LONGEST]


def kind_of(one: LockedPath) -> str:
    """One of `KINDS`, else "artefact"."""
    return KINDS.get(one.path.split("/")[0], "artefact")


def content_alias(one: LockedPath) -> str:
    """The alias that names its content."""
    return f"md5-{digits(one.md5)}"


def aliases_of(one: LockedPath) -> list[str]:
    """All its aliases, but for a champion's."""
    return ["latest", *filter(None, [scale_of(one)]), content_alias(one)]


def about(one: LockedPath) -> dict[str, Any]:
    """As config and metadata have it."""
    return {"path": one.path, "md5": one.md5, "bytes": one.bytes, "files": one.files}


def place_of(path: Path, root: Path) -> str:
    """`path` as `dvc.lock` writes it; the bare name of what lies outside `root`."""
    try:
        return Path(path).absolute().relative_to(Path(root).absolute()).as_posix()
    except ValueError:
        return Path(path).name


def version(one: LockedPath) -> Any:
    """A `wandb.Artifact` of it: only the address, for DVC keeps the bytes. Equal content gives equal versions."""
    import wandb

    made = wandb.Artifact(collection_of(one), type=kind_of(one), metadata=about(one))
    with made.new_file("content.json") as file:
        json.dump({"md5": one.md5}, file)
    return made
