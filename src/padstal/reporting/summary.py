"""The report in short, as blocks of Markdown, for pull requests; a tracker shows them and draws the curves itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from padstal.reporting import data_view, results_view
from padstal.reporting.captions_view import decision_table, shares_table
from padstal.reporting.checks_view import checks_table
from padstal.reporting.claims_view import stage_claims
from padstal.reporting.findings import failures, findings
from padstal.reporting.inputs import Inputs
from padstal.reporting.page import CHECKS, scale_line
from padstal.reporting.results_view import Row, results_table
from padstal.reporting.table import Table, markdown_table
from padstal.reporting.text import MISSING, escape_markdown, number, words

TRAINED = {"train_vae": "Autoencoders", "train_diffusion": "Diffusion transformers"}
MOST_QUANTITIES = 12
"""Curves shown of a stage."""


@dataclass(frozen=True)
class Curves:
    """What the runs of a stage logged over steps: a tracker draws its own record, Markdown has first and last values.

    Attributes:
        stage: The runs' job type.
        quantities: Names of the curves.
        ends: One row for each run and quantity.
    """

    stage: str
    quantities: tuple[str, ...]
    ends: Table


Block = str | Curves
"""Markdown, in which texts are escaped: a heading, a paragraph, a list, or a table under its title."""


@dataclass(frozen=True)
class Origin:
    """Where a run comes from: commit, group of runs, and the artefacts that `dvc.lock` has (path, MD5, stage)."""

    revision: str
    group: str
    artefacts: tuple[tuple[str, str, str], ...] = ()


def summary(inputs: Inputs, origin: Origin | None = None) -> tuple[Block, ...]:
    """The blocks in the order of reading.

    Args:
        inputs: What the run has made.
        origin: Adds what varies by nature, and so is not part of the reproducible outputs, and the course of training.
    """
    evaluation = inputs.evaluation
    blocks: list[Block] = [escape_markdown(scale_line(inputs))]
    if origin is not None:
        blocks.append(escape_markdown(f"Commit {origin.revision or 'unknown'}; runs of the group {origin.group}."))
    blocks += [
        "## Findings",
        _points([f"{one.claim}: {one.verdict}. {one.sentence}" for one in findings(inputs)], MISSING),
        "## At matched CLAP-f",
        *_matched(evaluation.get("matched") or {}),
        "## Each method at its chosen strength",
        _results(results_view.rows(evaluation)),
        "## Checks",
        *(_grid(f"What {one.stage} claims, against what was planted", one.table) for one in stage_claims(inputs)),
        *(_grid(title, checks_table(evaluation.get(name) or {})) for name, title in CHECKS),
        _grid(
            "Genre precision of nearest neighbours in the latent spaces",
            results_view.spaces_table(results_view.spaces(evaluation.get("latent_space"))),
        ),
    ]
    if origin is not None:
        blocks += ["## Training", *_curves(inputs.curves)]
    blocks += [
        "## Data",
        markdown_table(data_view.counts(inputs)),
        _grid("Licences", data_view.licences(inputs.curated)),
        _grid("Quarantine", data_view.reasons(inputs.quarantine, "tracks")),
        _grid("Taken out by curation", data_view.reasons(inputs.removed, "clips")),
        _grid("Captions", decision_table(inputs)),
        _grid("Captions beside the paper", shares_table(inputs)),
    ]
    if origin is not None:
        blocks += ["## Lineage", _grid("Artefacts", Table(("artefact", "MD5", "made by"), origin.artefacts))]
    blocks += ["## Caveats", _points(failures(inputs), "None was found.")]
    return tuple(blocks)


def markdown(title: str, blocks: Sequence[Block]) -> str:
    """The whole page."""
    texts = [markdown_table(block.ends) if isinstance(block, Curves) else block for block in blocks]
    return "\n\n".join([f"# {escape_markdown(title)}", *texts]) + "\n"


def render_summary(inputs: Inputs, *, title: str) -> str:
    """The whole of `summary.md`."""
    return markdown(f"{title}: {inputs.scale} scale", summary(inputs))


def _matched(matched: Mapping[str, Any]) -> list[str]:
    if matched.get("clap_f") is None:
        return [escape_markdown(f"No comparison: {matched.get('why') or MISSING}.")]
    blocks = [
        f"All methods interpolated to CLAP-f {number(matched['clap_f'])}.",
        _results(results_view.rows(matched)),
        _grid("Differences to the baseline", results_view.contrasts(matched)),
    ]
    published = matched.get("published") or {}
    if published.get("rows"):
        source = escape_markdown(published.get("source", ""))
        blocks += [f"Published figures, for the order of the methods only ({source}):", _results(published["rows"])]
    return blocks


def _results(rows: Sequence[Row]) -> str:
    return markdown_table(results_table(rows)) if rows else f"Results: {MISSING}."


def _curves(curves: Mapping[str, pd.DataFrame]) -> list[Curves]:
    blocks = []
    for stage, title in TRAINED.items():
        rows, quantities = [], dict[str, None]()
        for name, curve in curves.items():
            if not name.startswith(f"{stage}_") or not len(curve):
                continue
            item = words(name.removeprefix(f"{stage}_"))
            for quantity in [str(column) for column in curve.columns if column != "step"][:MOST_QUANTITIES]:
                values = pd.to_numeric(curve[quantity], errors="coerce").dropna()
                if len(values):
                    quantities[quantity] = None
                    ends = (number(float(values.iloc[place])) for place in (0, -1))
                    rows.append((item, words(quantity), *ends))
        if rows:
            head = (title.lower().removesuffix("s"), "quantity", "first", "last")
            blocks.append(Curves(stage, tuple(quantities), Table(head, tuple(rows), (False, False, True, True))))
    return blocks


def _points(items: Sequence[str], empty: str) -> str:
    return "\n".join(f"- {escape_markdown(item)}" for item in items or (empty,))


def _grid(title: str, table: Table) -> str:
    return f"{title}:\n\n{markdown_table(table)}" if table.rows else f"{title}: none."
