"""`padstal choose`: of the settings that were evaluated, the most diverse that keeps so much of the alignment."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from padstal.commands.project import params_of
from padstal.commands.terminal import shown
from padstal.core.data.atomic import read_json
from padstal.core.paths import Paths
from padstal.evaluation.metrics import METRICS
from padstal.evaluation.retention import choose_setting
from padstal.reporting.catalogue import outdated
from padstal.reporting.table import Table
from padstal.reporting.text import MISSING, bounds, number
from padstal.sampling.setting import Setting

SHOWN = 8


def run(root: Path, system: str | None, retain: float, by: str, scale: str | None) -> int:
    """Print the settings that keep so much, most diverse first, and how to generate with the first.

    Raises:
        FileNotFoundError: Nothing was evaluated.
        ValueError: No such metric or system, or no setting keeps so much.
    """
    paths, tree = params_of(root, scale)
    name = system or tree.promote.system
    kept = ranked(paths, name, retain, by)
    rows = tuple(
        (
            row["label"],
            f"{row['retention']:.0%}",
            number(row[by]),
            bounds((row.get("intervals") or {}).get(by)) or MISSING,
            number(row.get("fd")),
            row["setting"],
        )
        for row in kept[:SHOWN]
    )
    head = ("setting", "keeps", METRICS[by].label, "interval", "FD", "id")
    table = Table(head, rows, (False, True, True, True, True, False))
    Console().print(shown(table, f"{name}: settings that keep {retain:.0%} of the alignment"))
    print(shlex.join(["padstal", "generate", "your prompt", "--system", name, "--retain", f"{retain:g}"]))
    return 0


def ranked(paths: Paths, system: str, retain: float, by: str) -> list[Mapping[str, Any]]:
    """Rows of `evaluate.json` that keep so much of the system's alignment, most diverse first; says if of other data.

    Raises:
        FileNotFoundError: Nothing was evaluated.
        ValueError: No such metric or system, or no setting keeps so much.
    """
    file = paths.metrics("evaluate")
    if not file.is_file():
        raise FileNotFoundError(f"no {file.relative_to(paths.root)}: run `dvc repro evaluate` or `dvc pull`")
    if outdated(paths, "evaluate"):
        typer.echo(f"{file.relative_to(paths.root)}: of other data than yours; run `dvc repro evaluate`", err=True)
    return choose_setting(read_json(file), system, retain, by)


def setting_keeping(paths: Paths, system: str, retain: float) -> Setting:
    """The most diverse setting that keeps so much; raises as `ranked`."""
    return Setting.model_validate(ranked(paths, system, retain, "vendi_within")[0]["record"])
