"""The scale and the paths that a command works on."""

from pathlib import Path

from padstal.core.params import SCALES, check, read_yaml
from padstal.core.paths import Paths
from padstal.operations.config import PromoteParams
from padstal.stages.params import load_tree


def paths_of(root: Path, scale: str | None) -> Paths:
    """Paths of `scale`, or of the active one of `root/params.yaml`.

    Raises:
        ParamsError: There is no params.yaml, or a value of any section is wrong.
        ValueError: No such scale.
    """
    active = load_tree(root / "params.yaml").scale
    if scale is not None and scale not in SCALES:
        raise ValueError(f"--scale {scale}: expected one of {', '.join(SCALES)}")
    return Paths(root, scale or active)


def promote_params(root: Path) -> PromoteParams:
    """Section `promote` of `root/params.yaml`.

    Raises:
        ParamsError: It is missing or wrong.
    """
    return check(PromoteParams, read_yaml(root / "params.yaml").get("promote"), "promote")
