"""What two of the papers claim of their own systems: QA-MDT's quality levels, DiscoDiff's way from coarse to fine."""

from collections.abc import Mapping, Sequence
from typing import Any

from padstal.evaluation.metrics import METRICS
from padstal.reporting.inputs import Inputs
from padstal.reporting.results_view import Row, results_table, rows
from padstal.reporting.table import Cell, Table
from padstal.reporting.text import bounds, finite, number, words
from padstal.sampling.quality_level import QUALITY
from padstal.sampling.setting import Setting

FOLLOWS = ("quality", "signal")
"""What metrics are about that may follow it."""
FEWEST_LEVELS = 3
REFINED = {
    "round_trip": "the codec alone",
    "primary_alone": "the first codebook alone",
    "true_primary": "secondary denoiser, told the true primary latent",
    "shuffled_primary": "secondary denoiser, told another clip's primary latent",
    "full": "both denoisers, told the caption",
}
PUBLISHED = {"round_trip": ("1.1", "0.46"), "true_primary": ("1.3", "0.43"), "full": ("4.1", "0.34")}
"""FAD and CLAP score of DiscoDiff's table 1, on MusicCaps with VGGish and LAION-CLAP: not these judges."""
Rest = frozenset[tuple[str, Any]]
COLUMNS = {"fd": "FD", "clap_f": "CLAP-f", "mel_l1": "mel L1", "genre": "same genre heard"}


def quality_rows(inputs: Inputs) -> list[Row]:
    """Every measured setting of the systems that are told a quality."""
    told = {name for name, own in inputs.systems.items() if own.get("kind") == "qa_mdt"}
    return [row for row in rows(inputs.evaluation, "sweep") if row.get("system") in told]


def quality_table(inputs: Inputs) -> Table:
    """Those settings with their metrics, what is measured of the signal too."""
    return results_table(quality_rows(inputs), without=("diversity", "novelty"))


def quality_correlations(inputs: Inputs) -> Table:
    """Spearman's ρ of the level that was asked for with p-MOS and the signal; no row for fewer than three levels.

    What each level has stands beside it: of levels that sound alike the order is chance.
    """
    ladder = _ladder(inputs)
    levels = sorted(ladder)
    table = []
    for name, metric in METRICS.items():
        values = [ladder[level].get(name) for level in levels]
        if metric.about in FOLLOWS and len(levels) >= FEWEST_LEVELS and all(finite(value) for value in values):
            label = metric.label if metric.unit in metric.label else f"{metric.label}, {metric.unit}"
            table.append((label, number(_rank(levels, values)), *(number(value) for value in values)))
    head = ("measure", "ρ", *(f"level {level:g}" for level in levels))
    return Table(head, tuple(table), (False, *(True for _ in head[1:])))


def _ladder(inputs: Inputs) -> dict[float, Row]:
    """Level → row, of the most settings that differ in their level alone."""
    asked = {
        setting_id: (_rest(setting), setting.attributes[QUALITY])
        for found in inputs.samples
        for setting_id, setting in found.settings.items()
        if QUALITY in setting.attributes
    }
    by_rest: dict[Rest, dict[float, Row]] = {}
    for row in quality_rows(inputs):
        if str(row.get("setting")) in asked:
            rest, level = asked[str(row["setting"])]
            by_rest.setdefault(rest, {})[level] = row
    return max(by_rest.values(), key=len, default={})


def _rank(levels: Sequence[float], values: Sequence[Any]) -> float:
    from scipy.stats import spearmanr  # imports for half a second

    return float(spearmanr(levels, values).statistic) if len(set(values)) > 1 else 0.0


def _rest(setting: Setting) -> Rest:
    """All values but the attributes."""
    return frozenset((name, own) for name, own in setting.values.items() if not name.startswith("attributes."))


def coarse_tables(inputs: Inputs) -> list[tuple[str, Table]]:
    """(caption, table) of each system that goes from coarse to fine."""
    found = inputs.evaluation.get("coarse_to_fine") or {}
    return [(_caption(name, part), _coarse_table(part)) for name, part in found.items() if part.get("kinds")]


def _caption(name: str, part: Mapping[str, Any]) -> str:
    chance = number(part["commonest_genre"])
    return f"{words(name)}: {number(part['n'])} held-out clips; the commonest genre is {chance} of them"


def _coarse_table(part: Mapping[str, Any]) -> Table:
    table = []
    for kind in (name for name in REFINED if name in part["kinds"]):
        measured = part["kinds"][kind]
        cells = [Cell(number(measured[name]["value"]), below=bounds(measured[name]["interval"])) for name in COLUMNS]
        table.append((REFINED[kind], *cells, *PUBLISHED.get(kind, ("–", "–"))))
    head = ("what is known of a clip", *COLUMNS.values(), "FAD, paper", "CLAP, paper")
    return Table(head, tuple(table), (False, *(True for _ in head[1:])))
