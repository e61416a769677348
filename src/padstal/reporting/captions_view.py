"""Captions before and after refinement, with the decision taken for each (QA-MDT 4.3)."""

from dataclasses import dataclass

import pandas as pd

from padstal.reporting.data_view import Table
from padstal.reporting.inputs import Inputs
from padstal.reporting.text import number

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


@dataclass(frozen=True)
class CaptionRow:
    """One clip's captions; all texts come from outside."""

    decision: str
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
    found = inputs.captions["decision"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    total = len(inputs.captions)
    rows = tuple(
        (
            str(name).replace("_", " "),
            DECISION_WORDS.get(str(name), ""),
            number(int(count)),
            f"{100 * count / total:.1f} %",
        )
        for name, count in found.items()
    )
    return Table(head, rows, (False, False, True, True))


def _cosine(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.2f}".replace("-", "\u2212")
