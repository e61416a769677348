"""Results: the diversity–alignment frontier, the settings, the comparison at matched CLAP-f, the latent spaces."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from padstal.core.dvc_lock import mapping
from padstal.evaluation.metrics import METRICS
from padstal.reporting import svg
from padstal.reporting.table import Cell, Table
from padstal.reporting.text import bounds, ends, figure, finite, labelled, number, percent, words

Row = Mapping[str, Any]

_METHOD_STYLES = {"none": "c0", "cads": "c1", "pads": "c2"}
_SPARE_STYLES = ("c3", "c5", "c4", "c6")
_VERDICT_LOOKS = {"better": "good", "worse": "bad"}
_HALVES = {
    "alignment and diversity": ("fidelity", "quality", "novelty", "signal"),
    "fidelity, quality, novelty and signal": ("alignment", "diversity"),
}
_SHAPES = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True)
class Look:
    """How one sweep is drawn: colour says the method, dashes and marks say the system."""

    style: str
    shape: str
    open: bool


def rows(found: Any, name: str = "rows") -> list[Row]:
    """The rows that a part of `evaluate.json` has under `name`."""
    listed = mapping(found).get(name)
    return [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, Sequence) else []


def interval_of(row: Row, metric: str) -> tuple[float, float] | None:
    """The interval of a metric, if the row has one."""
    return ends(mapping(row.get("intervals")).get(metric))


def measured(row: Row, metric: str, look: str = "") -> Cell:
    """A metric of a row, its interval below."""
    return Cell(number(figure(row.get(metric))), below=bounds(interval_of(row, metric)), look=look)


def sweep_name(row: Row) -> str:
    """System and method in words, and what tells the sweep from the method's others."""
    return labelled(f"{row.get('system')} · {row.get('path') or row.get('method')}")


def looks(paths: Sequence[Row]) -> dict[tuple[str, str], Look]:
    """A look for each sweep (system, path) of `evaluate.json`."""
    systems = list(dict.fromkeys(str(row.get("system")) for row in paths))
    styles: dict[str, str] = {}
    for row in paths:
        method, path = str(row.get("method")), str(row.get("path"))
        own = _METHOD_STYLES.get(method)
        spare = _SPARE_STYLES[len(set(styles) - set(_METHOD_STYLES)) % len(_SPARE_STYLES)]
        styles.setdefault(path, own if own and own not in styles.values() else spare)
    found = {}
    for row in paths:
        place = systems.index(str(row.get("system")))
        style = styles[str(row.get("path"))] + (" dashed" if place == 0 else "")
        found[_sweep(row)] = Look(style, _SHAPES[place % len(_SHAPES)], place == 0)
    return found


def legend(paths: Sequence[Row]) -> list[tuple[str, Markup]]:
    """(name, swatch) of each sweep."""
    drawn = [svg.line_swatch(look.style, look.shape, look.open) for look in looks(paths).values()]
    return [(sweep_name(row), swatch) for row, swatch in zip(paths, drawn, strict=True)]


def frontier(sweep: Sequence[Row], paths: Sequence[Row], metric: str, matched_clap_f: float | None) -> Markup:
    """`metric` against CLAP-f: one line a sweep, as `paths` order its settings."""
    usable = {
        (row.get("system"), row.get("setting")): row
        for row in sweep
        if finite(row.get("clap_f")) and finite(row.get(metric))
    }
    lines = []
    for path, look in zip(paths, looks(paths).values(), strict=True):
        keys = [(path.get("system"), setting) for setting in path.get("settings") or []]
        marks = [
            svg.Mark(
                float(row["clap_f"]),
                float(row[metric]),
                interval_of(row, "clap_f"),
                interval_of(row, metric),
                _hover(row, metric),
            )
            for row in (usable[key] for key in keys if key in usable)
        ]
        lines.append(svg.Line(sweep_name(path), marks, look.style, look.shape, look.open))
    rules = [(matched_clap_f, "matched")] if matched_clap_f is not None and usable else []
    better = METRICS[metric].better
    axes = svg.Axes(
        "CLAP-f (alignment, higher is better)",
        words(metric) + (f" ({better} is better)" if better else ""),
        height=340,
        rules_x=rules,
    )
    description = f"{len(lines)} methods, {len(usable)} settings, bars are bootstrap intervals over prompts."
    return svg.line_chart(lines, axes, title=f"{words(metric)} against CLAP-f", description=description)


def differences_tables(found: Mapping[str, Any]) -> list[tuple[str, Table]]:
    """(what is judged, table) of what each setting has more than the one that it departs from.

    Strong where the interval leaves out 0. Two tables, since all metrics beside each other are wider than the page.
    """

    def differs(row: Row, metric: str) -> bool:
        return direction(metric, interval_of(row, metric)) != "open"

    of = rows(found, "differences")
    return [(judged, results_table(of, without=rest, strong=differs)) for judged, rest in _HALVES.items() if of]


def trainings_tables(found: Mapping[str, Any]) -> list[tuple[str, Table]]:
    """(caption, table) of what several trainings of a system have in common: settings, then their differences."""
    tables = []
    for one in rows(found, "over_trainings"):
        of = f"{words(str(one['system']))}, mean of {len(one['trainings'])} trainings"
        among = "with intervals over trainings and prompts"
        tables.append((f"{of}, {among}", results_table(rows(one, "sweep"))))
        tables += [
            (f"{of}: differences in {judged}, paired over both, {among}", table)
            for judged, table in differences_tables(one)
        ]
    return tables


def results_table(
    rows: Sequence[Row],
    chosen: Sequence[Row] = (),
    *,
    without: Collection[str] = ("signal",),
    strong: Callable[[Row, str], bool] | None = None,
) -> Table:
    """A row for each setting or sweep and a column for each metric that any of them has, intervals below the values.

    A value is `strong` by what is given for it, else where it is a metric's only best one; rows that are `chosen` are
    tinted. Metrics `about` what is `without` have no column.
    """
    shown = [
        name
        for name, metric in METRICS.items()
        if metric.about not in without and any(finite(row.get(name)) for row in rows)
    ]
    best = {metric: _best(rows, metric) for metric in shown}
    table = []
    for row in rows:
        cells = []
        for metric in shown:
            look = "strong" if (strong(row, metric) if strong else best[metric] is row) else ""
            cells.append(measured(row, metric, look))
        n = number(row.get("n")) if row.get("n") is not None else "–"
        named = (words(str(row.get("system", ""))), words(str(row.get("method", ""))), setting_text(row) or "–")
        table.append((*named, *cells, n))
    head = ("system", "method", "setting", *(words(metric) for metric in shown), "n")
    picked = {(row.get("system"), row.get("setting")) for row in chosen}
    tinted = frozenset(at for at, row in enumerate(rows) if (row.get("system"), row.get("setting")) in picked)
    return Table(head, tuple(table), (False, False, False, *(True for _ in shown), True), tinted)


def retention_tables(found: Mapping[str, Any]) -> list[tuple[str, Table]]:
    """(caption, table) of each share of the alignment at which the sweeps are compared."""
    shares = dict.fromkeys(row["retention"] for row in rows(found))
    return [
        (
            f"Where {percent(share)} of the alignment above chance is kept, with bootstrap intervals over prompts",
            results_table([row for row in rows(found) if row["retention"] == share]),
        )
        for share in shares
    ]


def not_retained(found: Mapping[str, Any]) -> list[str]:
    """A sentence for each sweep that is not in one of those tables, and why."""
    told = []
    for row in rows(found, "refused"):
        share = row.get("retention")
        told.append(f"{sweep_name(row)}{f' at {percent(share)}' if share else ''}: {row.get('why')}.")
    return told


def setting_text(row: Row) -> str:
    """What a row's label says beside its method."""
    return str(row.get("label") or row.get("path") or "").removeprefix(str(row.get("method"))).strip()


def contrasts(matched: Mapping[str, Any]) -> Table:
    """Each difference to the baseline with its interval, share of the baseline's value and verdict."""
    table = []
    for row in rows(matched, "differences"):
        around = row.get("interval")
        share: Any = row.get("share_of_baseline")
        verdict = direction(str(row.get("metric")), around)
        table.append(
            (
                sweep_name(row),
                words(str(row.get("metric"))),
                number(row.get("difference")),
                bounds(around) or "no interval",
                f"{100 * share:+.1f} %".replace("-", "\u2212") if finite(share) else "–",
                Cell(verdict, look=_VERDICT_LOOKS.get(verdict, "warn")),
            )
        )
    return Table(("method", "metric", "difference to baseline", "interval", "share", "verdict"), tuple(table))


def direction(metric: str, around: Sequence[float] | None) -> str:
    """ "better", "worse", "open": whether an interval of a difference leaves 0 on one side, and which.

    "different" where it does and neither side is known to be good.
    """
    if not around or not all(finite(end) for end in around) or around[0] <= 0 <= around[1]:
        return "open"
    sign = METRICS[metric].sign if metric in METRICS else 0
    return ("better" if around[0] * sign > 0 else "worse") if sign else "different"


@dataclass(frozen=True)
class Space:
    """Genre precision of nearest neighbours in one latent space of a codec, latents made vectors by `pooling`."""

    codec: str
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
    return [
        Space(
            codec=str(row.get("codec", "")),
            name=str(row.get("space", "")),
            pooling=str(row.get("pooling", "") or ""),
            precision=float(row["precision"]),
            interval=ends(row.get("interval")),
            chance=row.get("chance"),
            queries=row.get("queries"),
        )
        for row in rows(latent_space, "spaces")
        if finite(row.get("precision"))
    ]


def spaces_table(found: Sequence[Space]) -> Table:
    """The latent spaces with their figures."""
    rows = tuple(
        (
            space.label,
            number(space.precision),
            bounds(space.interval) or "–",
            number(space.chance),
            number(space.queries),
        )
        for space in found
    )
    return Table(("space", "precision", "interval", "chance", "queries"), rows, (False, True, True, True, True))


def latent_chart(latent_space: Any, text_aware: Collection[str] = ()) -> Markup:
    """Genre precision@k of nearest neighbours in each latent space, with the level of chance.

    The spaces of codecs that are `text_aware` have a colour of their own.
    """
    found = spaces(latent_space)
    k = (latent_space or {}).get("k", "k")
    title = f"Genre precision@{k} of nearest neighbours in each latent space"
    bars = [
        (space.label, space.precision, space.interval, "c3" if space.codec in text_aware else "c5") for space in found
    ]
    chance = [space.chance for space in found if space.chance is not None]
    rule = (sum(chance) / len(chance), "chance") if chance else None
    description = "; ".join(f"{name}: {number(value)}" for name, value, _, _ in bars)
    return svg.range_bars(
        bars, "share of neighbours with the clip's genre", title=title, description=description, rule=rule
    )


def _hover(row: Row, metric: str) -> str:
    method = labelled(f"{row.get('system')} · {row.get('label') or row.get('method')}")
    return f"{method}: CLAP-f {number(row['clap_f'])}, {words(metric)} {number(row[metric])}"


def _best(rows: Sequence[Row], metric: str) -> Row | None:
    measured = [row for row in rows if finite(row.get(metric))]
    if len(measured) < 2 or not METRICS[metric].sign:
        return None
    sign = METRICS[metric].sign
    best = max(measured, key=lambda row: sign * row[metric])
    return best if sum(row[metric] == best[metric] for row in measured) == 1 else None


def _sweep(row: Row) -> tuple[str, str]:
    return str(row.get("system")), str(row.get("path"))
