"""From measured settings to `evaluate.json`: rows, sweep, and the comparison at matched CLAP-f (PADS-TAL 3)."""

from typing import Any

from padstal.evaluation.grid import Key, base_guidance
from padstal.evaluation.measure import METRICS, Measured
from padstal.evaluation.operating_points import Matched, Path, Point, Setting, contrast, match

PUBLISHED = {
    "source": "PADS-TAL slides, table of section 3: full scale (Stable Audio Open size, MelBench and SongDescriber "
    "prompts), matched at CLAP-f ≈ 0.32; absolute values do not compare with other scales, models or embeddings",
    "rows": [
        {"model": "audio", "perturbation": "cads", "mrecall": 0.237, "vendi": 22.591, "kl": 0.669, "fd": 147.730},
        {"model": "audio", "perturbation": "pads", "mrecall": 0.212, "vendi": 24.367, "kl": 0.652, "fd": 139.838},
        {"model": "tal", "perturbation": "cads", "mrecall": 0.391, "vendi": 23.873, "kl": 0.669, "fd": 145.393},
        {"model": "tal", "perturbation": "pads", "mrecall": 0.407, "vendi": 26.075, "kl": 0.626, "fd": 135.542},
    ],
}


def row(key: Key, measured: Measured, level: float) -> dict[str, Any]:
    """One setting as a row of `evaluate.json`."""
    return {
        **vars(key),
        **measured.values,
        "n": measured.clips,
        "inception": measured.inception,
        "fd_is_singular": measured.fd_is_singular,
        "intervals": {name: bounds and list(bounds) for name, bounds in measured.intervals(level).items()},
    }


def choose(tune: dict[Key, Measured], keys: list[Key], clap_share: float) -> tuple[dict[tuple[str, str], Key], str]:
    """The setting of each (model, perturbation) that `rows` shows, and how it was chosen.

    On tune prompts: the most diverse setting (Vendi) that keeps at least `clap_share` of its model's unperturbed
    CLAP-f, else the best aligned one. Without tune prompts: the middle strength (the lower one of an even number).
    Guidance stays at the sweep's base value.
    """
    base = base_guidance(keys)
    chosen = {}
    for method in sorted({(key.model, key.perturbation) for key in keys}):
        own = sorted(key for key in keys if (key.model, key.perturbation) == method)
        at_base = [key for key in own if key.guidance == base] or own
        if not tune:
            chosen[method] = at_base[(len(at_base) - 1) // 2]
            continue
        plain = [key for key in tune if key.model == method[0] and key.perturbation == "none" and key.guidance == base]
        floor = clap_share * _value(tune[plain[0]], "clap_f") if plain else float("-inf")
        kept = [key for key in at_base if _value(tune[key], "clap_f") >= floor]
        if kept:
            chosen[method] = max(kept, key=lambda key: _value(tune[key], "vendi"))
        else:
            chosen[method] = max(at_base, key=lambda key: _value(tune[key], "clap_f"))
    rule = (
        f"most diverse (Vendi) on tune prompts among those that keep {clap_share:.0%} of the unperturbed CLAP-f"
        if tune
        else "middle strength of the sweep, as there are no tune prompts"
    )
    return chosen, rule


def paths(measured: dict[Key, Measured]) -> tuple[list[Path], list[Path]]:
    """The methods to match and, apart, the unperturbed models.

    A method starts at its model's unperturbed setting and goes along its strengths at the base guidance. An unperturbed
    model goes along its guidance, strongest first: the plain way to trade alignment for diversity.
    """
    base = base_guidance(list(measured))
    compared, others = [], []
    for model, perturbation in sorted({(key.model, key.perturbation) for key in measured}):
        plain = sorted(
            (k for k in measured if k.model == model and k.perturbation == "none"), key=lambda k: -k.guidance
        )
        if perturbation == "none":
            others.append(Path(model, perturbation, tuple(_setting(key, measured) for key in plain)))
            continue
        swept = sorted(
            key for key in measured if (key.model, key.perturbation, key.guidance) == (model, perturbation, base)
        )
        start = [key for key in plain if key.guidance == base]
        compared.append(Path(model, perturbation, tuple(_setting(key, measured) for key in [*start, *swept])))
    return compared, others


def matched(
    measured: dict[Key, Measured],
    *,
    fixed: float | None,
    position: float,
    seeds: int,
    baseline: tuple[str, str],
    level: float,
) -> dict[str, Any]:
    """The comparison at matched CLAP-f as it stands in `evaluate.json`."""
    compared, others = paths(measured)
    if not compared:
        return _as_json(Matched(None, "no perturbed settings were sampled"), baseline, level)
    return _as_json(match(compared, fixed, position, seeds, others), baseline, level)


def _as_json(result: Matched, baseline: tuple[str, str], level: float) -> dict[str, Any]:
    against = [point for point in result.points if (point.path.model, point.path.perturbation) == baseline]
    differences = []
    for point in result.points:
        if not against or point is against[0]:
            continue
        for metric in METRICS:
            found = contrast(point, against[0], metric, level)
            if found is not None and metric != "clap_f":
                differences.append(
                    {
                        "model": point.path.model,
                        "perturbation": point.path.perturbation,
                        "metric": metric,
                        "difference": found.difference,
                        "interval": found.interval and list(found.interval),
                        "share_of_baseline": found.share,
                    }
                )
    return {
        "clap_f": result.target,
        "why": result.why,
        "common_range": result.common and list(result.common),
        "rows": [_point(point, level) for point in result.points],
        "refused": [{"model": p.model, "perturbation": p.perturbation, "why": why} for p, why in result.refused],
        "baseline": {"model": baseline[0], "perturbation": baseline[1]},
        "differences": differences,
        "published": PUBLISHED,
    }


def _point(point: Point, level: float) -> dict[str, Any]:
    target = point.values["clap_f"]
    return {
        "model": point.path.model,
        "perturbation": point.path.perturbation,
        **{name: point.values.get(name) for name in METRICS},
        "n": point.bracket[0].measured.clips,
        "intervals": {
            name: bounds and list(bounds)
            for name in METRICS
            if name != "clap_f"
            for bounds in [point.interval(name, level)]
        },
        "bracket": [
            {"strength": end.strength, "guidance": end.guidance, "clap_f": end.clap_f} for end in point.bracket
        ],
        "tolerance": min(abs(end.clap_f - target) for end in point.bracket),
        "bracketed_share": point.bracketed_share,
    }


def _setting(key: Key, measured: dict[Key, Measured]) -> Setting:
    return Setting(key.strength, key.guidance, measured[key])


def _value(measured: Measured, metric: str) -> float:
    value = measured.values[metric]
    return float("-inf") if value is None else value
