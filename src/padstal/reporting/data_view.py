"""The data, before and after: counts, splits, licences, quarantine, quality, likelihood, and the gate's verdict."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from padstal.core.data.manifest import SPLITS
from padstal.reporting import svg
from padstal.reporting.inputs import Inputs
from padstal.reporting.table import Cell, Table
from padstal.reporting.text import duration, number, percent, words


def tally(table: pd.DataFrame | None, clip_seconds: float) -> dict[str, str]:
    """Clips, tracks, artists and duration of a manifest or data set, as text."""
    if table is None:
        return {"clips": "–", "tracks": "–", "artists": "–", "duration": "–"}
    seconds = table["clip_seconds"].sum() if "clip_seconds" in table else len(table) * clip_seconds
    artists = table.loc[table["artist"] != "", "artist"].nunique() if "artist" in table else 0
    return {
        "clips": number(len(table)),
        "tracks": number(int(table["track_id"].nunique())),
        "artists": number(int(artists)),
        "duration": duration(float(seconds)),
    }


def counts(inputs: Inputs) -> Table:
    """Clips, tracks, artists and duration by split, each as "brought in → kept after curation"."""
    rows = []
    for split in (*SPLITS, "all"):
        before, after = (
            tally(table if table is None or split == "all" else table[table["split"] == split], inputs.clip_seconds)
            for table in (inputs.manifest, inputs.dataset)
        )
        rows.append((split, *(f"{before[name]} → {after[name]}" for name in before)))
    return Table(("split", "clips", "tracks", "artists", "audio"), tuple(rows), (False, True, True, True, True))


LEDGER = {
    "ingest_files": "files at ingest",
    "curate_files": "files at curation",
    "all_files": "files, both together",
    "curate_clips": "clips at curation",
}
FATES = ("in", "kept", "quarantined", "duplicates", "filtered")
TAGS_SHOWN = 12


def ledger(inputs: Inputs) -> Table:
    """What became of everything that came in; the run itself checked that the counts add up."""
    counted = inputs.metrics.get("curate", {}).get("ledger", {})
    rows = tuple(
        (label, *(number(counted[name].get(fate)) for fate in FATES))
        for name, label in LEDGER.items()
        if name in counted
    )
    return Table(("of", *FATES), rows, (False, *(True for _ in FATES)))


def genre_loss(inputs: Inputs) -> Table:
    """The tags that the likelihood cut took most of, as shares of their training tracks; none where it took nothing."""
    found = inputs.metrics.get("curate", {}).get("genre_loss", {}).get("of_tag", {})
    worst = sorted(found.items(), key=lambda pair: (-pair[1]["lost"], -pair[1]["tracks"], pair[0]))[:TAGS_SHOWN]
    rows = tuple((tag, number(counts["tracks"]), percent(counts["lost"])) for tag, counts in worst if counts["lost"])
    return Table(("tag", "training tracks", "lost"), rows, (False, True, True))


def genre_entropy(inputs: Inputs) -> str:
    """One sentence on the mix of tags before and after the likelihood cut; "" where it was not measured."""
    lost = inputs.metrics.get("curate", {}).get("genre_loss")
    if not lost:
        return ""
    before, after = lost["entropy_before"], lost["entropy_after"]
    return (
        f"The cut keeps what is typical, so it costs diversity: of {number(lost['tracks_before'])} training tracks "
        f"{number(lost['tracks_after'])} stay, and the entropy of their tags goes from {number(before)} to "
        f"{number(after)} bits, as if {number(2**before)} and {number(2**after)} tags were equally common."
    )


def licences(table: pd.DataFrame | None) -> Table:
    """Clips, tracks and share of each licence, the most common first."""
    if table is None or not len(table):
        return Table(("licence", "clips", "tracks", "share"), ())
    named = table.assign(licence=table["licence"].replace("", "unknown"))
    grouped = named.groupby("licence").agg(clips=("clip_id", "size"), tracks=("track_id", "nunique"))
    grouped = grouped.sort_values(["clips"], ascending=False, kind="stable")
    rows = tuple(
        (str(name), number(int(row["clips"])), number(int(row["tracks"])), percent(row["clips"] / len(table)))
        for name, row in grouped.iterrows()
    )
    return Table(("licence", "clips", "tracks", "share"), rows, (False, True, True, True))


def counted(column: pd.Series) -> list[tuple[str, int]]:
    """How often each value occurs, the most common first, equally common ones by name."""
    found = column.astype(str).value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [(str(name), int(count)) for name, count in found.items()]


def reasons(table: pd.DataFrame | None, unit: str) -> Table:
    """How many rows of `table` have each reason."""
    if table is None or "reason" not in table:
        return Table(("reason", unit), ())
    found = counted(table["reason"].astype(str).str.replace("_", " "))
    return Table(("reason", unit), tuple((name, number(count)) for name, count in found), (False, True))


def quality_levels(inputs: Inputs) -> Table:
    """Clips at each quality level and with each prefix, before and after curation."""
    head = ("level", "all clips", "kept")
    if inputs.scores is None:
        return Table(head, ())
    kept = inputs.dataset if inputs.dataset is not None and "quality_level" in inputs.dataset else None
    rows = []
    for level in sorted(int(level) for level in inputs.scores["quality_level"].unique()):
        before = int((inputs.scores["quality_level"] == level).sum())
        after = number(int((kept["quality_level"] == level).sum())) if kept is not None else "–"
        rows.append((str(level) if level else "unknown", number(before), after))
    return Table(head, tuple(rows), (False, True, True))


def quality_chart(inputs: Inputs) -> Markup:
    """Distribution of p-MOS before and after curation, with the mean and one and two deviations."""
    title = "p-MOS of clips, before and after curation"
    if inputs.scores is None or not len(inputs.scores):
        return svg.empty_chart(title)
    edges = np.linspace(1, 5, 33)
    before = np.histogram(inputs.scores["pmos"].clip(1, 5), edges)[0].tolist()
    layers = [("all clips", "c0", before)]
    if inputs.dataset is not None and "pmos" in inputs.dataset:
        layers.append(("after curation", "c2", np.histogram(inputs.dataset["pmos"].clip(1, 5), edges)[0].tolist()))
    mu, sigma = inputs.distribution.get("mu"), inputs.distribution.get("sigma")
    rules = []
    if mu is not None and sigma is not None:
        named = ((-2, "μ−2σ"), (-1, "μ−σ"), (0, "μ"), (1, "μ+σ"), (2, "μ+2σ"))
        rules = [(mu + step * sigma, name) for step, name in named if 1 <= mu + step * sigma <= 5]
    axes = svg.Axes("p-MOS (1 bad, 5 excellent)", "clips", x_range=(1, 5), rules_x=rules)
    return svg.histogram(
        edges.tolist(), layers, axes, title=title, description="Two overlaid histograms of predicted quality."
    )


def likelihood_chart(inputs: Inputs) -> Markup:
    """Distribution of the CLAP-Gaussian log-likelihood of the clips that stayed."""
    title = "Log-likelihood of clips under the training set's Gaussian"
    table = inputs.dataset
    if table is None or "log_likelihood" not in table:
        return svg.empty_chart(title)
    values = table["log_likelihood"].dropna()
    values = values[np.isfinite(values)]
    if not len(values):
        return svg.empty_chart(title)
    low, high = np.quantile(values, [0.005, 1.0])
    if high <= low:
        low, high = low - 1, high + 1
    edges = np.linspace(low, high, 33)
    counted = np.histogram(values.clip(low, high), edges)[0].tolist()
    axes = svg.Axes("log-likelihood (the lowest 0.5 % at the left edge)", "clips")
    return svg.histogram(
        edges.tolist(),
        [("after curation", "c2", counted)],
        axes,
        title=title,
        description="Histogram of log-likelihood.",
    )


def foundation_models(inputs: Inputs) -> Table:
    """What listens and judges: role, origin, weights and fingerprint of each foundation model."""
    rows = tuple(
        (
            words(model.name),
            model.origin or "not recorded",
            f"{number(model.weights_bytes / 1e6)} MB",
            model.fingerprint[:16] or "–",
        )
        for model in inputs.models
        if model.kind == "foundation"
    )
    return Table(("role", "origin", "weights", "sha256"), rows, (False, False, True, False))


def outcomes(verdict: Any) -> Table:
    """The verdict's expectations, the broken ones first."""
    found = [_outcome(row) for row in (verdict or {}).get("expectations") or []]
    found.sort(key=lambda row: ("bad", "warn", "good").index(row[1].look))
    return Table(("expectation", "outcome", "found", "expected"), tuple(found))


def _outcome(row: Mapping[str, Any]) -> tuple[Cell, Cell, str, str]:
    held = bool(row.get("success"))
    severity = str(row.get("severity") or "")
    place = " of ".join(str(part) for part in (row.get("column"), row.get("table")) if part)
    return (
        Cell(str(row.get("name") or "unnamed"), below=", ".join(part for part in (place, severity) if part)),
        Cell("holds", look="good") if held else Cell("broken", look="bad" if severity == "critical" else "warn"),
        number(row.get("observed")),
        number(row.get("expected")),
    )
