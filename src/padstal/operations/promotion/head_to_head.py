"""Both models on the same frozen prompts and seeds, heard by the same judges: all metrics and their paired differences.

A bootstrap draw takes the same prompts for both models, so that a difference's interval leaves out how hard prompts
are. Shape suffixes: P prompts, I samples of a prompt, D CLAP features, R draws, Q prompts again.
"""

from dataclasses import dataclass

import numpy as np

from padstal.evaluation.bootstrap import Interval, draw_counts, interval, mean_draws
from padstal.evaluation.clap_score import flattened
from padstal.evaluation.hear import Heard
from padstal.evaluation.judged import Judged, Prompts, Reference
from padstal.evaluation.measure import Measured, measure
from padstal.evaluation.metrics import METRICS
from padstal.evaluation.vendi import vendi
from padstal.operations.config import PromoteParams
from padstal.operations.promotion.gate import Compared, Figure

REFERENCE_DRAWS = 20
"""Subsets of held-out clips, as many as prompts, whose Vendi score is averaged."""


@dataclass(frozen=True)
class HeadToHead:
    """Metric → both models' figures, floor → the challenger's figure."""

    metrics: dict[str, Compared]
    floors: dict[str, Figure | None]


def head_to_head(
    challenger: Heard,
    champion: Heard | None,
    prompts: Prompts,
    reference: Reference,
    params: PromoteParams,
    neighbours: int,
) -> HeadToHead:
    """Measure both models.

    Args:
        challenger, champion: What the judges hear in the samples; arrays start with [P, I].
        prompts: The frozen prompts.
        reference: Held-out clips.
        params: How, and which metrics.
        neighbours: k of recall.
    """
    generator = np.random.default_rng(params.seed)
    counts_RP = draw_counts(len(prompts.text_PD), params.draws, generator)

    def measured(heard: Heard) -> Measured:
        return measure(Judged(heard, prompts, reference, neighbours), counts_RP, params.draws)

    now, before = measured(challenger), None if champion is None else measured(champion)
    metrics = {name: _compared(name, now, before, params) for name in params.margins}
    own_vendi = _reference_vendi(reference, len(prompts.text_PD), generator)
    own_pmos = float(reference.heard.pmos_N.mean(dtype=np.float64))
    floors = {
        "clap_f_above_chance": above_chance(challenger, prompts.text_PD, counts_RP, params.confidence),
        "vendi_share": _share(_figure("vendi", now, params.confidence), own_vendi),
        "pmos_share": _share(_figure("pmos", now, params.confidence), own_pmos),
    }
    return HeadToHead(metrics, floors)


def above_chance(heard: Heard, text_PD: np.ndarray, counts_RP: np.ndarray, level: float) -> Figure | None:
    """CLAP-f of samples with their own prompt less that with the other prompts: 0 for music that heeds no prompt."""
    mean_PD = heard.clap_NWD.mean(axis=(1, 2), dtype=np.float64)
    cosine_PQ = mean_PD @ text_PD.T.astype(np.float64)
    own_P = np.diag(cosine_PQ)
    gain_P = own_P - (cosine_PQ.sum(axis=1) - own_P) / (len(text_PD) - 1)
    value = float(gain_P.mean())
    return _with(value, interval(mean_draws(gain_P, counts_RP), value, level))


def _compared(name: str, now: Measured, before: Measured | None, params: PromoteParams) -> Compared:
    challenger = _figure(name, now, params.confidence)
    champion = _figure(name, before, params.confidence) if before else None
    if challenger is None or champion is None or before is None:
        return Compared(challenger, champion)
    sign = METRICS[name].sign
    gain = sign * (challenger.value - champion.value)
    gain_R = sign * (now.draws[name] - before.draws[name])
    # Bonferroni: there are so many chances to be better
    corrected = 1 - (1 - params.confidence) / len(params.better_in)
    levels = params.confidence, corrected
    return Compared(challenger, champion, *(_with(gain, interval(gain_R, gain, level)) for level in levels))


def _figure(name: str, measured: Measured, level: float) -> Figure | None:
    return _with(measured.values[name], measured.interval(name, level))


def _share(figure: Figure | None, of: float | None) -> Figure | None:
    if figure is None or of is None or of <= 0:
        return None
    return Figure(figure.value / of, (figure.interval[0] / of, figure.interval[1] / of))


def _with(value: float | None, bounds: Interval | None) -> Figure | None:
    return None if value is None or bounds is None else Figure(value, bounds)


def _reference_vendi(reference: Reference, prompts: int, generator: np.random.Generator) -> float | None:
    """Mean Vendi score of held-out clips, as many as prompts (scores of different n do not compare)."""
    if len(reference.heard) < prompts:
        return None
    unit_MF = flattened(reference.heard.clap_NWD)
    drawn = [generator.choice(len(unit_MF), prompts, replace=False) for _ in range(REFERENCE_DRAWS)]
    return float(np.mean([vendi(unit_MF[np.sort(rows)]) for rows in drawn]))
