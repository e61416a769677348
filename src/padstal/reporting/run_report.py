"""The report of one run of the pipeline for a tracker: a list of blocks, built once, written as Markdown or for W&B."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from padstal.reporting import data_view, results_view
from padstal.reporting.findings import failures, findings
from padstal.reporting.inputs import Inputs
from padstal.reporting.page import scale_line
from padstal.reporting.results_view import Row, results_grid
from padstal.reporting.table import Table
from padstal.reporting.text import MISSING, number, words

TRAINED = {"train_vae": "Autoencoders", "train_diffusion": "Diffusion transformers"}
MOST_QUANTITIES = 12
"""Curves shown of a stage."""


@dataclass(frozen=True)
class Section:
    """A heading."""

    title: str


@dataclass(frozen=True)
class Text:
    """A paragraph without markup."""

    text: str


@dataclass(frozen=True)
class Points:
    """A list of sentences without markup."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table of plain texts."""

    table: Table


@dataclass(frozen=True)
class Curves:
    """What the runs of a stage logged over steps: W&B draws its own record, Markdown has first and last values.

    Attributes:
        stage: The runs' job type.
        quantities: Names of the curves.
        ends: One row for each run and quantity.
    """

    stage: str
    quantities: tuple[str, ...]
    ends: Table


Block = Section | Text | Points | Grid | Curves


@dataclass(frozen=True)
class Origin:
    """Where it comes from: commit, group of runs, and the artefacts that `dvc.lock` has (path, MD5, stage)."""

    revision: str
    group: str
    artefacts: tuple[tuple[str, str, str], ...] = ()


def run_report(inputs: Inputs, origin: Origin) -> tuple[Block, ...]:
    """The blocks in the order of reading: how far it carries, findings, results, training, data, lineage, caveats."""
    matched = inputs.evaluation.get("matched") or {}
    blocks: list[Block | None] = [
        Text(scale_line(inputs)),
        Text(f"Commit {origin.revision or 'unknown'}; runs of the group {origin.group}."),
        Section("Findings"),
        _points([f"{one.claim}: {one.verdict}. {one.sentence}" for one in findings(inputs)]),
        Section("At matched CLAP-f"),
        *_matched(matched),
        Section("Each method at its chosen strength"),
        _results(results_view.rows(inputs.evaluation)),
        Section("Training"),
        *(_curves(inputs.curves, stage, title) for stage, title in TRAINED.items()),
        Section("Data"),
        Grid(data_view.counts(inputs)),
        _grid(data_view.licences(inputs.dataset if inputs.dataset is not None else inputs.manifest)),
        Section("Lineage"),
        _grid(Table(("artefact", "MD5", "made by"), origin.artefacts)),
        Section("Caveats"),
        _points(failures(inputs), "None was found."),
    ]
    return tuple(block for block in blocks if block is not None)


def _matched(matched: Mapping[str, Any]) -> list[Block]:
    if matched.get("clap_f") is None:
        return [Text(f"No comparison: {matched.get('why') or MISSING}.")]
    differences = results_view.contrasts(matched)
    blocks: list[Block] = [
        Text(f"All methods interpolated to CLAP-f {number(matched['clap_f'])}."),
        _results(results_view.rows(matched)),
    ]
    return [*blocks, Grid(differences)] if differences.rows else blocks


def _results(rows: Sequence[Row]) -> Block:
    return Grid(results_grid(rows)) if rows else Text(f"Results: {MISSING}.")


def _curves(curves: Mapping[str, pd.DataFrame], stage: str, title: str) -> Block | None:
    rows, quantities = [], dict[str, None]()
    for name, curve in curves.items():
        if not name.startswith(f"{stage}_") or not len(curve):
            continue
        for quantity in [column for column in curve.columns if column != "step"][:MOST_QUANTITIES]:
            values = pd.to_numeric(curve[quantity], errors="coerce").dropna()
            if len(values):
                quantities[str(quantity)] = None
                item = words(name.removeprefix(f"{stage}_"))
                rows.append((item, words(str(quantity)), number(float(values.iloc[0])), number(float(values.iloc[-1]))))
    head = (title.lower().removesuffix("s"), "quantity", "first", "last")
    ends = Table(head, tuple(rows), (False, False, True, True))
    return Curves(stage, tuple(quantities), ends) if rows else None


def _points(items: Sequence[str], empty: str = MISSING) -> Block:
    return Points(tuple(items)) if items else Text(empty)


def _grid(table: Table) -> Block | None:
    return Grid(table) if table.rows else None
