"""Types of what a run may be asked for; Prefect checks them against a deployment's schema before a run starts."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from padstal.core.yaml_edit import with_values

TRAINING = ("train_vae", "train_diffusion")
"""Stages that train what is compared; they belong on a GPU."""

Scale = Literal["demo", "study", "full"]
Revision = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./@^~+-]*$",
        description="a branch, a tag or a commit",
    ),
]


def choose_scale(root: Path, scale: Scale | None) -> None:
    """Make `scale` the active one of the params.yaml at `root`; None leaves it."""
    if scale:
        file = root / "params.yaml"
        file.write_text(with_values(file.read_text(encoding="utf-8"), {("scale",): scale}), encoding="utf-8")
