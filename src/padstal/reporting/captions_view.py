"""Captions before and after refinement: decisions, shares beside the paper's, CLAP score, detection (QA-MDT 4.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from padstal.core.dvc_lock import mapping
from padstal.reporting import svg
from padstal.reporting.checks_view import value_at
from padstal.reporting.data_view import counted
from padstal.reporting.inputs import Inputs
from padstal.reporting.table import Table
from padstal.reporting.text import MISSING, bounds, finite, number, percent, words

DECISION_WORDS = {
    "fused": "both fit and differ: merged",
    "fusion_rejected": "merging failed: the generated one",
    "redundant": "both fit and say the same: the generated one",
    "replaced": "only the generated one fits",
    "captioned": "there was none: the generated one",
    "kept": "only the original fits",
    "kept_unfit": "neither fits: the original",
    "unconditional": "nothing usable: no caption",
}
SHARE_WORDS = {
    "filtered": "clips whose generated caption does not fit, of all",
    "fused": "clips trained with a merged caption, of all",
}
REFUSAL_WORDS = {
    "empty": "nothing was written",
    "no_answer": "the language model did not answer",
    "instruction": "a caption reads like an instruction; no model was asked",
    "format": "the answer has not the form asked for",
    "declined": "the model speaks of itself",
    "characters": "control or invisible characters",
    "address": "a link or an address",
    "markup": "markup",
    "too_long": "too long",
    "cut": "longer than CLAP hears",
    "imagined": "words, names or numbers that neither caption has",
    "incomplete": "leaves out too much of a caption",
    "unfit": "does not fit the music",
}


@dataclass(frozen=True)
class CaptionRow:
    """One clip's captions; all texts come from outside."""

    decision: str
    refusal: str
    original: str
    generated: str
    caption: str
    fit_original: str
    fit_generated: str
    fit_between: str


def caption_rows(inputs: Inputs, shown: int) -> list[CaptionRow]:
    """Up to `shown` clips, every decision represented: the decisions take turns, each in the table's order."""
    table = inputs.captions
    if table is None or not len(table):
        return []
    turn = table.groupby("decision").cumcount()
    picked = table.assign(turn=turn).sort_values(["turn", "decision"], kind="stable").head(shown)
    picked = picked.sort_values(["decision", "turn"], kind="stable")
    return [
        CaptionRow(
            decision=str(row["decision"]),
            refusal=words(str(row.get("refusal") or "")),
            original=str(row["original"] or ""),
            generated=str(row["generated"] or ""),
            caption=str(row["caption"] or ""),
            fit_original=_cosine(row["similarity_original_audio"]),
            fit_generated=_cosine(row["similarity_generated_audio"]),
            fit_between=_cosine(row["similarity_original_generated"]),
        )
        for _, row in picked.iterrows()
    ]


def decision_table(inputs: Inputs) -> Table:
    """How often each decision was taken."""
    head = ("decision", "what it means", "clips", "share")
    if inputs.captions is None or not len(inputs.captions):
        return Table(head, ())
    total = len(inputs.captions)
    rows = tuple(
        (
            str(name).replace("_", " "),
            DECISION_WORDS.get(str(name), ""),
            number(count),
            percent(count / total),
        )
        for name, count in counted(inputs.captions["decision"])
    )
    return Table(head, rows, (False, False, True, True))


def refusals_table(inputs: Inputs) -> Table:
    """Why merged captions were refused."""
    return _counts(inputs.metrics.get("caption", {}).get("refused") or {}, "why not", REFUSAL_WORDS)


def licences_table(inputs: Inputs) -> Table:
    """Licences that generated words bring."""
    return _counts(inputs.metrics.get("caption", {}).get("caption_licences") or {}, "licence", {})


def shares_table(inputs: Inputs) -> Table:
    """Filtered and fused shares beside the paper's, and whether they lie far apart."""
    head = ("share", "what is counted", "here", "QA-MDT", "here / there", "")
    rows = [
        (
            name,
            SHARE_WORDS.get(name, ""),
            percent(row["value"]),
            percent(row["paper"]),
            f"{row['times']:.2f}×",
            "far from the paper's: other captions, captioner, CLAP or thresholds" if row["alarm"] else "",
        )
        for name, row in (inputs.metrics.get("caption", {}).get("beside_paper") or {}).items()
    ]
    return Table(head, tuple(rows), (False, False, True, True, True, False))


def effect_table(inputs: Inputs) -> Table:
    """CLAP score before and after, of all clips and per decision, with intervals over tracks."""
    effect = inputs.metrics.get("caption", {}).get("clap_score") or {}
    head = ("decision", "clips", "before", "after", "difference")
    rows = tuple(
        (
            name.replace("_", " "),
            number(row["clips"]),
            *(_estimate(row[key]) for key in ("before", "after", "difference")),
        )
        for name, row in sorted(effect.items(), key=lambda pair: (pair[0] != "all", pair[0]))
    )
    return Table(head, rows, (False, True, True, True, True))


def detection_chart(inputs: Inputs) -> Markup:
    """Precision and recall over the threshold ρ2."""
    found, rho2 = value_at(inputs.evaluation, "truth.captions"), inputs.params.get("caption", {}).get("rho2")
    rows = mapping(found).get("wrong_by_threshold") or []
    lines = [
        svg.Line(
            name,
            [
                svg.Mark(row["rho2"], row[name], hover=f"{name} {number(row[name])} at ρ2 = {number(row['rho2'])}")
                for row in rows
            ],
            style=style,
            shape=shape,
        )
        for name, style, shape in (("precision", "c0", "circle"), ("recall", "c2 dashed", "square"))
        if rows
    ]
    rules = ((float(rho2), "ρ2"),) if finite(rho2) else ()
    return svg.line_chart(
        lines,
        svg.Axes("ρ2, CLAP cosine", "share", y_range=(0.0, 1.0), rules_x=rules),
        title="Finding planted wrong captions",
        description="Precision (solid) and recall (dashed) if originals were rejected at or below a threshold.",
    )


def _counts(counts: Mapping[str, int], head: str, meaning: Mapping[str, str]) -> Table:
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return Table(
        (head, "clips"),
        tuple((meaning.get(name, name), number(int(count))) for name, count in ordered),
        (False, True),
    )


def _estimate(found: Mapping[str, Any] | None) -> str:
    if not found:
        return MISSING
    return f"{number(found['value'])} {bounds(found['interval'])}".strip()


def _cosine(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}".replace("-", "\u2212")
