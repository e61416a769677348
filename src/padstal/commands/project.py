"""The scale, the paths and the params that a command works on."""

from pathlib import Path
from typing import TYPE_CHECKING

from padstal.core.params import SCALES
from padstal.core.paths import Paths

if TYPE_CHECKING:
    from padstal.stages.params import Tree


def paths_of(root: Path, scale: str | None) -> Paths:
    """Paths of `scale`, or of the active one; see `params_of`."""
    return params_of(root, scale)[0]


def promoted_name(params: "Tree", system: str | None) -> str:
    """What a system, or that of `promote`, is called in tags (GTO knows no underscores): "tal_dit" → "tal-dit"."""
    return (system or params.promote.system).replace("_", "-")


def params_of(root: Path, scale: str | None) -> tuple[Paths, "Tree"]:
    """Paths of `scale`, or of the active one of `root/params.yaml`, and all params.

    Raises:
        ParamsError: There is no params.yaml, or a value of any section is wrong.
        ValueError: No such scale.
    """
    from padstal.stages.params import load_tree  # the classes of all sections: a tenth of a second

    tree = load_tree(root / "params.yaml")
    if scale is not None and scale not in SCALES:
        raise ValueError(f"--scale {scale}: expected one of {', '.join(SCALES)}")
    return Paths(root, scale or tree.scale), tree
