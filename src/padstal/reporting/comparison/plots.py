"""A comparison's pictures: for each metric, every method before and after with intervals, as an SVG file of its own."""

from collections.abc import Sequence

from padstal.evaluation.metrics import METRICS
from padstal.reporting import svg
from padstal.reporting.comparison.record import Comparison, Delta
from padstal.reporting.page import asset
from padstal.reporting.text import ends, labelled, words

_LONGEST_LABEL = 28
_STYLE = "svg.chart { width: 36rem; background: var(--card) }"


def plots(comparison: Comparison) -> dict[str, str]:
    """File name → SVG, for each metric that compares and of which a figure differs."""
    found = {}
    for metric in METRICS:
        deltas = [delta for delta in comparison.metrics if delta.metric == metric and delta.verdict != "not comparable"]
        if any(delta.verdict != "unchanged" for delta in deltas):
            found[f"{metric}.svg"] = _plot(metric, deltas)
    return found


def _plot(metric: str, deltas: Sequence[Delta]) -> str:
    """A chart as a file: with its name space, the report's style sheet, and a ground."""
    rows = []
    for delta in deltas:
        name = labelled(delta.group)
        sides = ((delta.base, delta.base_interval, "c0"), (delta.head, delta.head_interval, "c2"))
        told = [(value, ends(around), style) for value, around, style in sides if value is not None]
        names = (name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…", "now")
        rows += [(label, *one) for label, one in zip(names, told, strict=False)]
    title, described = METRICS[metric].explained, "Grey: before. Blue: now. Lines: intervals."
    drawn = svg.range_bars(rows, words(metric), title=title, description=described, left=180)
    opening, _, rest = str(drawn).partition(">")
    return f'{opening} xmlns="http://www.w3.org/2000/svg"><style>{asset("style.css")}\n{_STYLE}</style>{rest}\n'
