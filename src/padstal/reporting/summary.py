"""The report as a page of Markdown for pull requests: scale, findings, tables with intervals, caveats."""

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from padstal.reporting import data_view, results_view
from padstal.reporting.captions_view import decision_table, shares_table
from padstal.reporting.cards import results_markdown
from padstal.reporting.checks_view import Check, checks
from padstal.reporting.claims_view import claims_table
from padstal.reporting.findings import failures, findings
from padstal.reporting.inputs import Inputs
from padstal.reporting.page import CHECKS, scale_line
from padstal.reporting.table import Table, markdown_table
from padstal.reporting.text import MISSING, escape_markdown, number


def render_summary(inputs: Inputs, *, title: str) -> str:
    """The whole of `summary.md`."""
    evaluation = inputs.evaluation
    matched = evaluation.get("matched") or {}
    rows = results_view.rows(evaluation)
    parts = [
        f"# {escape_markdown(title)}: {inputs.scale} scale",
        f"> {scale_line(inputs)}",
        "## Findings",
        _findings(inputs),
        "## At matched CLAP-f",
        _matched(matched),
        "## Each method at its chosen strength",
        results_markdown(rows) if rows else f"Results: {MISSING}.",
        "## Checks",
        _table("What each data stage claims, against what was planted", claims_table(inputs)),
        *(_checks(caption, checks(evaluation.get(name) or {})) for name, caption in CHECKS),
        _spaces(results_view.spaces(evaluation.get("latent_space"))),
        "## Data",
        markdown_table(data_view.counts(inputs)),
        _table("Licences", data_view.licences(inputs.dataset if inputs.dataset is not None else inputs.manifest)),
        _table("Quarantine", data_view.reasons(inputs.quarantine, "tracks")),
        _table("Taken out by curation", data_view.reasons(inputs.removed, "clips")),
        _table("Captions", decision_table(inputs)),
        _table("Captions beside the paper", shares_table(inputs)),
        "## Caveats",
        _list(failures(inputs)),
        "Timings, machine and revision are in `index.html`, which is not part of the reproducible outputs.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _findings(inputs: Inputs) -> str:
    lines = [
        f"**{escape_markdown(finding.claim)}**: {finding.verdict}. {escape_markdown(finding.sentence)}"
        for finding in findings(inputs)
    ]
    return "\n".join(f"- {line}" for line in lines) or f"- {MISSING}"


def _matched(matched: Mapping[str, Any]) -> str:
    if matched.get("clap_f") is None:
        return f"No comparison: {escape_markdown(str(matched.get('why') or MISSING))}."
    rows = results_view.rows(matched)
    parts = [f"All methods interpolated to CLAP-f {number(matched['clap_f'])}.", results_markdown(rows)]
    differences = results_view.contrasts(matched)
    if differences.rows:
        parts.append(markdown_table(differences))
    published = matched.get("published") or {}
    if published.get("rows"):
        source = escape_markdown(str(published.get("source", "")))
        parts.append(f"Published figures, for the order of the methods only ({source}):")
        parts.append(results_markdown(published["rows"]))
    return "\n\n".join(parts)


def _checks(title: str, found: list[Check]) -> str:
    if not found:
        return f"{title}: {MISSING}."
    rows = tuple(tuple(text or "–" for text in astuple(check)) for check in found)
    head = ("check", "value", "interval", "chance", "value / chance", "n")
    return f"{title}:\n\n" + markdown_table(Table(head, rows, (False, True, True, True, True, True)))


def _spaces(found: list[results_view.Space]) -> str:
    title = "Genre precision of nearest neighbours in the latent spaces"
    table = markdown_table(results_view.spaces_table(found), outside=1)
    return f"{title}:\n\n{table}" if found else f"{title}: {MISSING}."


def _table(title: str, table: Table) -> str:
    return f"{title}:\n\n{markdown_table(table)}" if table.rows else f"{title}: none."


def _list(sentences: list[str]) -> str:
    return "\n".join(f"- {escape_markdown(sentence)}" for sentence in sentences) or "- None was found."
