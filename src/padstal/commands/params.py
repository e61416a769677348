"""`padstal params`: check all scales, explain every value."""

from pathlib import Path

from rich.console import Console

from padstal.commands.project import params_of
from padstal.commands.terminal import shown
from padstal.core.explain import Explained, explain
from padstal.reporting.table import Table
from padstal.stages.params import STAGES, Tree

SHARED = ("runtime", "tracking", "operations", "promote")


def run(root: Path, section: str | None, scale: str | None) -> int:
    """Print a table of the values of `section`, or of all sections.

    Raises:
        ParamsError: A value of any scale is wrong.
        ValueError: No such section or scale.
    """
    paths, tree = params_of(root, scale)
    console = Console(soft_wrap=False)
    for name in (section,) if section else (*SHARED, *STAGES, "budget"):
        rows = ((row.path, row.value, row.unit, row.meaning, row.allowed) for row in values(tree, name, paths.scale))
        console.print(shown(Table(("path", "value", "unit", "meaning", "allowed"), tuple(rows)), name))
    console.print(f"{paths.params.name} is valid at all scales; shown: {paths.scale} (active: {tree.scale})")
    return 0


def values(tree: Tree, name: str, scale: str) -> list[Explained]:
    """Explained values of one section.

    Raises:
        ValueError: No such section.
    """
    if name in SHARED:
        return list(explain(getattr(tree, name), name))
    if name in STAGES:
        return list(explain(tree.scales[scale].section(name), f"scales.{scale}.{name}"))
    if name == "budget":
        budget = tree.scales[scale].budget
        meaning = "wall time that it may take"
        return [
            Explained(f"scales.{scale}.budget.{label}", f"{s:g}", "s", meaning, "> 0") for label, s in budget.items()
        ]
    raise ValueError(f"{name!r} is no section: expected one of {', '.join((*SHARED, *STAGES, 'budget'))}")
