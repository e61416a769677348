"""A comparison's pictures: for each metric, every method before and after with intervals, as an SVG file of its own."""

import re
from collections.abc import Sequence

from padstal.evaluation.metrics import METRICS
from padstal.reporting import svg
from padstal.reporting.comparison.record import Comparison, Delta
from padstal.reporting.text import labelled, words

_STYLE = """
text { font: 11.5px system-ui, sans-serif; fill: #555; text-anchor: middle }
.end, .label { text-anchor: end }
.label { fill: #1b1b1b }
.axis { font-size: 12px; fill: #1b1b1b }
.grid { stroke: #e3e3e3; fill: none }
.bars rect { fill: #2a78b8; opacity: 0.85 }
.bars.c0 rect { fill: #9a9a9a }
.whisker { stroke: #1b1b1b; fill: none; stroke-width: 1.3 }
"""
_LONGEST_LABEL = 28
_MARGIN = 48
"""Room to the left of the chart's own frame, for names of methods."""


def plots(comparison: Comparison) -> dict[str, str]:
    """File name → SVG, for each metric that compares and of which a figure differs."""
    found = {}
    for metric in METRICS:
        deltas = [delta for delta in comparison.metrics if delta.metric == metric and delta.verdict != "not comparable"]
        if any(delta.verdict != "unchanged" for delta in deltas):
            found[f"{metric}.svg"] = _plot(metric, deltas)
    return found


def _plot(metric: str, deltas: Sequence[Delta]) -> str:
    rows = []
    for delta in deltas:
        name = " · ".join(labelled(part) for part in delta.group.split(" · "))
        label = name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
        for value, interval, style in (
            (delta.base, delta.base_interval, "c0"),
            (delta.head, delta.head_interval, "c2"),
        ):
            if value is not None:
                rows.append((label, value, (interval[0], interval[1]) if interval else None, style))
                label = "now"
    title = METRICS[metric].explained
    drawn = svg.range_bars(rows, words(metric), title=title, description="Grey: before. Blue: now. Lines: intervals.")
    return _standalone(str(drawn))


def _standalone(drawn: str) -> str:
    """A chart as a file: with its name space, its own colours, and a white ground."""
    frame = re.match(r'<svg class="chart" viewBox="0 0 (\d+) (\d+)" role="img">', drawn)
    assert frame, "a chart begins with its frame"
    width, height = int(frame[1]) + _MARGIN, frame[2]
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-_MARGIN} 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img"><style>{_STYLE}</style>'
        f'<rect x="{-_MARGIN}" width="{width}" height="{height}" fill="#fff"/>'
    )
    return opening + drawn[frame.end() :] + "\n"
