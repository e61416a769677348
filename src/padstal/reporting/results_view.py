"""Results: the diversity–alignment frontier, the settings, the comparison at matched CLAP-f, the latent spaces."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from padstal.reporting import svg
from padstal.reporting.text import MISSING, finite, interval, number, setting, words

Row = Mapping[str, Any]

METRICS = ("clap_f", "vendi", "vendi_within", "ibs", "mrecall", "kl", "fd", "pmos")
HIGHER_IS_BETTER = {
    "clap_f": True,
    "vendi": True,
    "vendi_within": True,
    "ibs": False,
    "mrecall": True,
    "kl": False,
    "fd": False,
    "pmos": True,
}
EXPLAINED = {
    "clap_f": "CLAP-f: cosine between sound and prompt, mean of three fixed windows",
    "vendi": "Vendi: effective number of different clips over all prompts",
    "vendi_within": "Vendi within: effective number of different clips of one prompt",
    "ibs": "IBS: mean similarity of clips of one prompt (lower is more diverse)",
    "mrecall": "mRecall: share of held-out music that samples of its genre cover",
    "kl": "KL: genre posterior of a sample against that of the prompt's own clip",
    "fd": "FD: Fréchet distance of tagger features to held-out music",
    "pmos": "p-MOS: predicted quality, 1 to 5",
}
_PERTURBATION_STYLE = {"none": "c0", "cads": "c1", "pads": "c2"}
_SPARE_STYLES = ("c3", "c5", "c4", "c6")
_SHAPES = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True)
class Look:
    """How one method is drawn: colour says the perturbation, dashes and marks say the model."""

    style: str
    shape: str
    open: bool


@dataclass(frozen=True)
class Measure:
    """One cell of a results table."""

    text: str
    interval: str
    best: bool = False


@dataclass(frozen=True)
class ResultRow:
    """One method, with a cell for each metric."""

    model: str
    perturbation: str
    setting: str
    n: str
    cells: tuple[Measure, ...]
    chosen: bool = False


def interval_of(row: Row, metric: str) -> tuple[float, float] | None:
    """The interval of a metric, if the row has one."""
    found = (row.get("intervals") or {}).get(metric)
    if isinstance(found, Sequence) and len(found) == 2 and all(finite(end) for end in found):
        return float(found[0]), float(found[1])
    return None


def sweep(evaluation: Mapping[str, Any]) -> list[Row]:
    """Every measured setting; `rows` alone if there was no sweep."""
    found = evaluation.get("sweep") or evaluation.get("rows") or []
    return [row for row in found if isinstance(row, Mapping)]


def ordered(rows: Iterable[Any]) -> list[Row]:
    """Rows by model, then unperturbed, CADS, PADS, others; a method's settings keep their order."""
    usable = [row for row in rows if isinstance(row, Mapping)]
    return sorted(usable, key=lambda row: _place((str(row.get("model")), str(row.get("perturbation")))))


def looks(rows: Iterable[Row]) -> dict[tuple[str, str], Look]:
    """A look for each (model, perturbation)."""
    methods = sorted({(str(row.get("model")), str(row.get("perturbation"))) for row in rows}, key=_place)
    models = sorted({model for model, _ in methods}, key=lambda name: (not name.startswith("audio"), name))
    others = [name for name in sorted({name for _, name in methods}) if name not in _PERTURBATION_STYLE]
    styles = {**_PERTURBATION_STYLE, **{name: _SPARE_STYLES[at % 4] for at, name in enumerate(others)}}
    found = {}
    for model, perturbation in methods:
        place = models.index(model)
        dashes = " dashed" if place == 0 else ""
        found[model, perturbation] = Look(styles[perturbation] + dashes, _SHAPES[place % 4], place == 0)
    return found


def legend(rows: Iterable[Row]) -> list[tuple[str, Markup]]:
    """(name, swatch) of each method."""
    return [
        (f"{words(model)} · {words(perturbation)}", _swatch(look))
        for (model, perturbation), look in looks(rows).items()
    ]


def frontier(rows: Sequence[Row], metric: str, matched_clap_f: float | None) -> Markup:
    """`metric` against CLAP-f: one line a method, over its strengths; unperturbed, over guidance."""
    title = f"{words(metric)} against CLAP-f"
    usable = [row for row in rows if finite(row.get("clap_f")) and finite(row.get(metric))]
    base = base_guidance(usable)
    lines = []
    for (model, perturbation), look in looks(usable).items():
        own = [row for row in usable if (row["model"], row["perturbation"]) == (model, perturbation)]
        if perturbation == "none":
            path = sorted(own, key=lambda row: row.get("guidance") or 0.0)
        else:
            start = [row for row in usable if (row["model"], row["perturbation"]) == (model, "none")]
            start = [row for row in start if row.get("guidance") == base]
            swept = sorted(
                (row for row in own if row.get("guidance") == base), key=lambda row: row.get("strength") or 0.0
            )
            path = start[:1] + (swept or own)
        marks = [
            svg.Mark(
                float(row["clap_f"]),
                float(row[metric]),
                interval_of(row, "clap_f"),
                interval_of(row, metric),
                _hover(row, metric),
            )
            for row in path
        ]
        lines.append(svg.Line(f"{words(model)} · {words(perturbation)}", marks, look.style, look.shape, look.open))
    rules = [(matched_clap_f, "matched")] if matched_clap_f is not None and usable else []
    better = "higher" if HIGHER_IS_BETTER.get(metric, True) else "lower"
    axes = svg.Axes(
        "CLAP-f (alignment, higher is better)", f"{words(metric)} ({better} is better)", height=340, rules_x=rules
    )
    description = f"{len(lines)} methods, {len(usable)} settings, bars are bootstrap intervals over prompts."
    return svg.line_chart(lines, axes, title=title, description=description)


def base_guidance(rows: Sequence[Row]) -> float | None:
    """The guidance that most perturbed settings use; the higher one on a tie."""
    values = [row.get("guidance") for row in rows if row.get("perturbation") != "none" and finite(row.get("guidance"))]
    return max(values, key=lambda value: (values.count(value), value), default=None)


def results_table(rows: Sequence[Row], chosen: Sequence[Row] = ()) -> tuple[tuple[str, ...], list[ResultRow]]:
    """Metrics that any row has, and the rows with their cells; a metric's best value is marked if it is alone."""
    shown = tuple(metric for metric in METRICS if any(finite(row.get(metric)) for row in rows))
    settings = {_key(row) for row in chosen}
    best = {metric: _best(rows, metric) for metric in shown}
    table = []
    for row in rows:
        cells = []
        for metric in shown:
            around = interval_of(row, metric)
            text = number(float(row[metric])) if finite(row.get(metric)) else MISSING
            cells.append(Measure(text, interval(*around) if around else "", best[metric] is row))
        table.append(
            ResultRow(
                words(str(row.get("model", ""))),
                words(str(row.get("perturbation", ""))),
                setting_text(row),
                number(row.get("n")) if row.get("n") is not None else "–",
                tuple(cells),
                _key(row) in settings,
            )
        )
    return shown, table


def setting_text(row: Row) -> str:
    """Strength and guidance in words; nothing where the row has none."""
    parts = []
    if finite(row.get("strength")) and row.get("perturbation") != "none":
        parts.append(f"strength {setting(float(row['strength']))}")
    if finite(row.get("guidance")):
        parts.append(f"guidance {setting(float(row['guidance']))}")
    return ", ".join(parts)


def published_table(matched: Mapping[str, Any]) -> tuple[str, tuple[str, ...], list[ResultRow]]:
    """Source, metrics and rows of the published comparison that `matched` carries."""
    found = matched.get("published") or {}
    rows = [row for row in found.get("rows", []) if isinstance(row, Mapping)]
    shown, table = results_table(rows)
    return str(found.get("source", "")), shown, table


def contrasts(matched: Mapping[str, Any]) -> list[tuple[str, str, str, str, str, str]]:
    """(method, metric, difference, interval, share of baseline, verdict) of each difference to the baseline."""
    table = []
    for row in matched.get("differences") or []:
        around = row.get("interval")
        share = row.get("share_of_baseline")
        table.append(
            (
                f"{words(str(row.get('model')))} · {words(str(row.get('perturbation')))}",
                words(str(row.get("metric"))),
                number(row.get("difference")),
                interval(*around) if around else "no interval",
                f"{100 * share:+.1f} %".replace("-", "\u2212") if finite(share) else "–",
                direction(str(row.get("metric")), around),
            )
        )
    return table


def direction(metric: str, around: Sequence[float] | None) -> str:
    """ "better", "worse" or "open": whether an interval of a difference leaves 0 on one side, and which."""
    if not around or not all(finite(end) for end in around) or around[0] <= 0 <= around[1]:
        return "open"
    return "better" if (around[0] > 0) == HIGHER_IS_BETTER.get(metric, True) else "worse"


@dataclass(frozen=True)
class Space:
    """Genre precision of nearest neighbours in one latent space, latents made vectors by `pooling`."""

    name: str
    pooling: str
    precision: float
    interval: tuple[float, float] | None
    chance: float | None
    queries: int | None

    @property
    def label(self) -> str:
        return f"{self.name}, {self.pooling}" if self.pooling else self.name


def spaces(latent_space: Any) -> list[Space]:
    """The latent spaces that `evaluate.json` has figures of."""
    rows = latent_space.get("spaces") if isinstance(latent_space, Mapping) else None
    found = []
    for row in rows or []:
        if not isinstance(row, Mapping) or not finite(row.get("precision")):
            continue
        around = row.get("interval")
        found.append(
            Space(
                name=str(row.get("space", "")),
                pooling=str(row.get("pooling", "") or ""),
                precision=float(row["precision"]),
                interval=(float(around[0]), float(around[1])) if around else None,
                chance=float(row["chance"]) if finite(row.get("chance")) else None,
                queries=row.get("queries"),
            )
        )
    return found


def latent_chart(latent_space: Any) -> Markup:
    """Genre precision@k of nearest neighbours in each latent space, with the level of chance."""
    found = spaces(latent_space)
    k = latent_space.get("k", "k") if isinstance(latent_space, Mapping) else "k"
    title = f"Genre precision@{k} of nearest neighbours in each latent space"
    bars = [
        (space.label, space.precision, space.interval, "c3" if space.name.startswith("tal") else "c5")
        for space in found
    ]
    chance = [space.chance for space in found if space.chance is not None]
    rule = (sum(chance) / len(chance), "chance") if chance else None
    description = "; ".join(f"{name}: {number(value)}" for name, value, _, _ in bars)
    return svg.range_bars(
        bars, "share of neighbours with the clip's genre", title=title, description=description, rule=rule
    )


def _place(method: tuple[str, str]) -> tuple[str, int, str]:
    order = list(_PERTURBATION_STYLE)
    return (method[0], order.index(method[1]) if method[1] in order else len(order), method[1])


def _hover(row: Row, metric: str) -> str:
    method = f"{words(str(row['model']))} · {words(str(row['perturbation']))}"
    return f"{method}, {setting_text(row)}: CLAP-f {number(row['clap_f'])}, {words(metric)} {number(row[metric])}"


def _best(rows: Sequence[Row], metric: str) -> Row | None:
    measured = [row for row in rows if finite(row.get(metric))]
    if len(measured) < 2:
        return None
    sign = 1 if HIGHER_IS_BETTER.get(metric, True) else -1
    best = max(measured, key=lambda row: sign * row[metric])
    return best if sum(row[metric] == best[metric] for row in measured) == 1 else None


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("model", "perturbation", "strength", "guidance"))


def _swatch(look: Look) -> Markup:
    mark = svg.mark(look.shape, 15, 7, look.open)
    # Built from our own class names alone.
    return Markup(
        f'<svg class="chart" viewBox="0 0 30 14" aria-hidden="true"><g class="{look.style}">'
        f'<path class="line" d="M1 7H29"/>{mark}</g></svg>'
    )
