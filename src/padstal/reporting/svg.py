"""Charts as inline SVG: small, sharp at any width, readable by screen readers, coloured by the page's own style sheet.

Marks carry classes (`c0` … `c7`, `dashed`), never colours, so that dark mode and print are the style sheet's business.
Hover text is a `<title>` in each mark. Coordinates have one decimal: the same data give the same bytes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from padstal.reporting.text import number

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 44


@dataclass(frozen=True)
class Mark:
    """One point with its interval ends, in data units, and what hovering says."""

    x: float
    y: float
    x_interval: tuple[float, float] | None = None
    y_interval: tuple[float, float] | None = None
    hover: str = ""


@dataclass(frozen=True)
class Line:
    """Marks joined in order.

    Attributes:
        marks: In the order in which the line runs.
        style: Classes of the style sheet, e.g. "c1 dashed".
        shape: "circle", "square", "diamond", "triangle"; "" draws no marks.
        open: Whether marks are hollow.
    """

    name: str
    marks: Sequence[Mark]
    style: str = "c0"
    shape: str = ""
    open: bool = False


@dataclass(frozen=True)
class Axes:
    """What the axes say and cover; `None` lets the data decide."""

    x_label: str
    y_label: str
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    width: int = WIDTH
    height: int = HEIGHT
    rules_x: Sequence[tuple[float, str]] = ()
    """Vertical rules with a label each, e.g. the matched CLAP-f."""


def line_chart(lines: Sequence[Line], axes: Axes, *, title: str, description: str) -> Markup:
    """Lines with marks and error bars; `title` and `description` are what a screen reader says."""
    every = [mark for line in lines for mark in line.marks]
    if not every:
        return empty_chart(title)
    x_ends = [end for mark in every for end in (mark.x, *(mark.x_interval or ()))] + [at for at, _ in axes.rules_x]
    y_ends = [end for mark in every for end in (mark.y, *(mark.y_interval or ()))]
    frame = _Frame(axes.x_range or padded(x_ends), axes.y_range or padded(y_ends), axes.width, axes.height, _left(axes))
    parts = [frame.grid(axes), frame.rules(axes)]
    for line in lines:
        points = [(frame.x(mark.x), frame.y(mark.y)) for mark in line.marks]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        parts.append(f'<g class="series {line.style}"><path class="line" d="{path}"/>')
        parts += [_error_bars(frame, mark) for mark in line.marks]
        if line.shape:
            parts += [
                _shape(line.shape, x, y, line.open, f"<title>{escape(mark.hover or line.name)}</title>")
                for (x, y), mark in zip(points, line.marks, strict=True)
            ]
        else:
            parts.append(f"<title>{escape(line.name)}</title>")
        parts.append("</g>")
    return _svg(title, description, parts, axes.width, axes.height)


def histogram(
    edges: Sequence[float],
    layers: Sequence[tuple[str, str, Sequence[int]]],
    axes: Axes,
    *,
    title: str,
    description: str,
) -> Markup:
    """Counts between `edges`; each layer is (name, style, counts), drawn over the one before."""
    top = max((max(counts, default=0) for _, _, counts in layers), default=0)
    if not top:
        return empty_chart(title)
    frame = _Frame(
        axes.x_range or (edges[0], edges[-1]), axes.y_range or (0, top * 1.08), axes.width, axes.height, _left(axes)
    )
    parts = [frame.grid(axes)]
    for name, style, counts in layers:
        parts.append(f'<g class="bars {style}">')
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
            if count:
                x, width = frame.x(low) + 0.5, frame.x(high) - frame.x(low) - 1
                y = frame.y(count)
                hover = f"{name}: {count} from {number(float(low))} to {number(float(high))}"
                parts.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{frame.bottom - y:.1f}">'
                    f"<title>{escape(hover)}</title></rect>"
                )
        parts.append("</g>")
    parts.append(frame.rules(axes))
    return _svg(title, description, parts, axes.width, axes.height)


def range_bars(
    rows: Sequence[tuple[str, float, tuple[float, float] | None, str]],
    x_label: str,
    *,
    title: str,
    description: str,
    rule: tuple[float, str] | None = None,
    left: int = 132,
) -> Markup:
    """Horizontal bars from 0 with intervals; each row is (name, value, interval, style), its name `left` of 0."""
    if not rows:
        return empty_chart(title)
    step, top = 34, TOP + (10 if rule else 0)
    height = top + BOTTOM + step * len(rows)
    ends = [end for _, value, around, _ in rows for end in (value, *(around or ()))] + ([rule[0]] if rule else [])
    low, high = min(0.0, *ends), max(ends) * 1.06 or 1.0
    frame = _Frame((low, high), (0, len(rows)), WIDTH, height, left)
    parts = [frame.grid_x(x_label)]
    for place, (name, value, around, style) in enumerate(rows):
        middle = top + step * (place + 0.5)
        start, end = sorted((frame.x(0), frame.x(value)))
        hover = f"{name}: {number(value)}" + (f" [{number(around[0])}, {number(around[1])}]" if around else "")
        parts.append(
            f'<g class="bars {style}"><text class="label" x="{left - 8}" y="{middle + 4:.1f}">{escape(name)}</text>'
        )
        parts.append(
            f'<rect x="{start:.1f}" y="{middle - 9:.1f}" width="{max(end - start, 0.5):.1f}" height="18">'
            f"<title>{escape(hover)}</title></rect>"
        )
        if around:
            a, b = frame.x(around[0]), frame.x(around[1])
            parts.append(
                f'<path class="whisker" d="M{a:.1f} {middle:.1f}L{b:.1f} {middle:.1f}'
                f'M{a:.1f} {middle - 4:.1f}v8M{b:.1f} {middle - 4:.1f}v8"/>'
            )
        parts.append("</g>")
    if rule:
        parts.append(frame.rules(Axes("", "", rules_x=(rule,))))
    return _svg(title, description, parts, WIDTH, height)


def empty_chart(title: str) -> Markup:
    """What stands where there is nothing to draw."""
    return Markup('<p class="empty">{}: not measured.</p>').format(title)


def padded(ends: Sequence[float], share: float = 0.07) -> tuple[float, float]:
    """A range around all `ends` with some air; never of zero width."""
    low, high = min(ends), max(ends)
    air = (high - low) * share or abs(high) * 0.1 or 1.0
    return low - air, high + air


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round numbers in [low, high], about `about` of them."""
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(place * step, 12) for place in range(first, last + 1)]


def tick_label(value: float, step: float) -> str:
    """A tick with just the decimals that its step needs."""
    if abs(value) >= 10_000:
        return f"{value / 1000:g}k"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step else 0
    decimals += f"{step:.12f}".rstrip("0").endswith("25")
    return f"{value:.{decimals}f}".replace("-", "\u2212")


class _Frame:
    """Data units to the picture's units."""

    def __init__(self, x_range: tuple[float, float], y_range: tuple[float, float], width: int, height: int, left: int):
        self.x_range, self.y_range, self.left, self.right = x_range, y_range, left, width - RIGHT
        self.bottom = height - BOTTOM

    def x(self, value: float) -> float:
        low, high = self.x_range
        return self.left + (min(max(value, low), high) - low) / (high - low) * (self.right - self.left)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return self.bottom - (min(max(value, low), high) - low) / (high - low) * (self.bottom - TOP)

    def grid(self, axes: Axes) -> str:
        marks = ticks(*self.y_range)
        step = marks[1] - marks[0] if len(marks) > 1 else 1.0
        parts = [self.grid_x(axes.x_label)]
        for value in marks:
            y = self.y(value)
            parts.append(f'<path class="grid" d="M{self.left} {y:.1f}H{self.right}"/>')
            label = tick_label(value, step)
            parts.append(f'<text class="tick end" x="{self.left - 6}" y="{y + 4:.1f}">{label}</text>')
        middle = (TOP + self.bottom) / 2
        if axes.y_label:
            place = f"translate(13 {middle:.1f}) rotate(-90)"
            parts.append(f'<text class="axis" transform="{place}">{escape(axes.y_label)}</text>')
        return "".join(parts)

    def grid_x(self, label: str) -> str:
        marks = ticks(*self.x_range)
        step = marks[1] - marks[0] if len(marks) > 1 else 1.0
        parts = []
        for value in marks:
            x = self.x(value)
            parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{self.bottom}"/>')
            parts.append(f'<text class="tick" x="{x:.1f}" y="{self.bottom + 16}">{tick_label(value, step)}</text>')
        middle = (self.left + self.right) / 2
        parts.append(f'<text class="axis" x="{middle:.1f}" y="{self.bottom + 36}">{escape(label)}</text>')
        return "".join(parts)

    def rules(self, axes: Axes) -> str:
        parts = []
        for value, label in axes.rules_x:
            x = self.x(value)
            side, shift = ("end", -5) if x > (self.left + self.right) / 2 else ("", 5)
            parts.append(f'<path class="rule" d="M{x:.1f} {TOP}V{self.bottom}"/>')
            parts.append(f'<text class="rule-label {side}" x="{x + shift:.1f}" y="{TOP + 11}">{escape(label)}</text>')
        return "".join(parts)


def _left(axes: Axes) -> int:
    return LEFT if axes.y_label else LEFT - 12


def _error_bars(frame: _Frame, mark: Mark) -> str:
    x, y = frame.x(mark.x), frame.y(mark.y)
    parts = []
    if mark.x_interval:
        parts.append(f"M{frame.x(mark.x_interval[0]):.1f} {y:.1f}H{frame.x(mark.x_interval[1]):.1f}")
    if mark.y_interval:
        parts.append(f"M{x:.1f} {frame.y(mark.y_interval[0]):.1f}V{frame.y(mark.y_interval[1]):.1f}")
    return f'<path class="error" d="{"".join(parts)}"/>' if parts else ""


def bar_swatch(style: str) -> Markup:
    """A bar for legends; `style` is one of our own classes."""
    return _swatch(f"bars {style}", '<rect x="4" y="1" width="22" height="12"/>')


def line_swatch(style: str, shape: str = "", hollow: bool = False) -> Markup:
    """A line for legends, with the mark of its `shape` if it has one; `style` is one of our own classes."""
    return _swatch(style, '<path class="line" d="M1 7H29"/>' + (_shape(shape, 15, 7, hollow) if shape else ""))


def _swatch(style: str, drawn: str) -> Markup:
    return Markup(f'<svg class="chart" viewBox="0 0 30 14" aria-hidden="true"><g class="{style}">{drawn}</g></svg>')


def _shape(shape: str, x: float, y: float, hollow: bool, title: str = "") -> str:
    style = "mark open" if hollow else "mark"
    match shape:
        case "square":
            return f'<rect class="{style}" x="{x - 4.2:.1f}" y="{y - 4.2:.1f}" width="8.4" height="8.4">{title}</rect>'
        case "diamond":
            path = f"M{x:.1f} {y - 5.8:.1f}l5.8 5.8l-5.8 5.8l-5.8 -5.8z"
        case "triangle":
            path = f"M{x:.1f} {y - 5.4:.1f}l5.4 9.4h-10.8z"
        case _:
            return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="4.6">{title}</circle>'
    return f'<path class="{style}" d="{path}">{title}</path>'


def _svg(title: str, description: str, parts: Sequence[str], width: int, height: int) -> Markup:
    # The markup is ours; every text in it went through escape().
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )
