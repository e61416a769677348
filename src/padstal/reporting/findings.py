"""What the run found, in sentences whose verdicts are computed: an interval that leaves the null value says yes or no,
any other says that it is open. Nothing here knows the answer beforehand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from padstal.reporting.claims_view import broken_claims
from padstal.reporting.inputs import Inputs
from padstal.reporting.results_view import Space, direction, interval_of, rows, spaces, sweep_name
from padstal.reporting.text import MINUS, bounds, finite, labelled, number, percent, words

Kind = Literal["yes", "no", "open"]
_VERDICT: dict[Kind, str] = {"yes": "holds here", "no": "does not hold here", "open": "open here"}


@dataclass(frozen=True)
class Finding:
    """One sentence and its verdict: the claim holds here, does not, or the run cannot tell.

    Attributes:
        figure: The measured figure in a few words; "" where there is none.
        system: Whose samples it is about; "" if of none.
    """

    kind: Kind
    claim: str
    sentence: str
    figure: str = ""
    system: str = ""

    @property
    def verdict(self) -> str:
        return _VERDICT[self.kind]


def findings(inputs: Inputs) -> list[Finding]:
    """The headline findings, the paper's main claim first."""
    evaluation = inputs.evaluation
    matched = evaluation.get("matched") or {}
    found = [
        _matched_claim(matched, system, metric, f"PADS in the {words(codec)} space {claim} at equal alignment")
        for system, codec in _text_aware_systems(inputs)
        for metric, claim in (("vendi", "is more diverse"), ("mrecall", "covers genres better"))
    ]
    found += _latent_claims(inputs)
    found += _pads_claims(evaluation)
    found.append(_caption_claim(inputs.captions, inputs.manifest))
    return [finding for finding in found if finding is not None]


def headline(found: Sequence[Finding]) -> Finding | None:
    """The finding that the page begins with: the first that has a figure, of those about samples if there is one."""
    told = [finding for finding in found if finding.figure]
    return next((finding for finding in told if finding.system), told[0] if told else None)


def _text_aware_systems(inputs: Inputs) -> list[tuple[str, str]]:
    """(system, codec) of the systems whose codec has a part for text."""
    codecs = [(name, str(own.get("codec"))) for name, own in inputs.systems.items()]
    return [(name, codec) for name, codec in codecs if codec in inputs.text_aware]


def failures(inputs: Inputs) -> list[str]:
    """What could not be done or did not work, one sentence each, with the reason that the stage gave."""
    evaluation = inputs.evaluation
    told = []
    matched = evaluation.get("matched") or {}
    if not evaluation:
        told.append("Nothing was evaluated: there is no evaluate.json of this scale.")
    elif matched.get("clap_f") is None:
        told.append(f"There is no comparison at matched CLAP-f: {matched.get('why') or 'no reason given'}.")
    for row in rows(matched, "refused"):
        told.append(
            f"{sweep_name(row)} is left out of the matched comparison, as it would need extrapolation: "
            f"{row.get('why')}."
        )
    for finding in findings(inputs):
        if finding.kind != "yes":
            told.append(f"“{finding.claim}”: {finding.verdict}. {finding.sentence}")
    if any(row.get("fd_is_singular") for row in rows(evaluation)):
        told.append(
            "The Fréchet distance rests on fewer clips than its features have dimensions: its value means little."
        )
    usual = (evaluation.get("reference") or {}).get("copies")
    for row in rows(evaluation):
        around = interval_of(row, "copies")
        if around and usual is not None and around[0] > usual:
            told.append(
                f"{sweep_name(row)} repeats its training music: {percent(float(row['copies']))} of its samples are "
                f"nearer to a training clip than {percent(1 - usual)} of held-out music is."
            )
    told += broken_claims(inputs)
    told += [
        f"The data broke an expectation ({row.get('severity')}): {row.get('name')}; found {row.get('observed')}."
        for row in rows(inputs.verdict or {}, "expectations")
        if not row.get("success", True)
    ]
    return told


def _matched_claim(matched: Mapping[str, Any], system: str, metric: str, claim: str) -> Finding | None:
    if not matched:
        return None
    target = matched.get("clap_f")
    if target is None:
        return Finding("open", claim, f"No common CLAP-f: {matched.get('why') or 'no reason given'}.")
    differences = [row for row in rows(matched, "differences") if row.get("metric") == metric]
    differences = [row for row in differences if (row.get("system"), row.get("method")) == (system, "pads")]
    if not differences:
        return Finding("open", claim, f"{words(metric)} could not be compared at CLAP-f {number(target)}.")
    row = differences[0]
    around = row.get("interval")
    share: Any = row.get("share_of_baseline")
    relative = f" ({100 * share:+.1f} %)".replace("-", MINUS) if finite(share) else ""
    said = bounds(around) or "no interval: too few draws of prompts reach the target"
    word = direction(metric, around)
    sentence = (
        f"At CLAP-f {number(target)}, {words(metric)} of {sweep_name(row)} differs from "
        f"{sweep_name(matched.get('baseline') or {})} "
        f"by {number(row.get('difference'))}{relative} {said}."
    )
    kinds: dict[str, Kind] = {"better": "yes", "worse": "no", "open": "open"}
    difference = number(row.get("difference"))
    sign = "" if difference.startswith(MINUS) else "+"
    figure = f"{words(metric)} {sign}{difference}" if finite(row.get("difference")) else ""
    return Finding(kinds[word], claim, sentence, figure, system)


def _latent_claims(inputs: Inputs) -> list[Finding]:
    """Each text-aware codec's space against that of the system that differences are taken against."""
    found = {(space.name, space.pooling): space for space in spaces(inputs.evaluation.get("latent_space"))}
    against = (inputs.evaluation.get("matched") or {}).get("baseline") or {}
    base = str(inputs.systems.get(str(against.get("system")), {}).get("codec"))
    told = []
    for codec in sorted(inputs.text_aware - {base}):
        pairs = [
            (own, found[base, pooling])
            for (name, pooling), own in sorted(found.items())
            if name == codec and (base, pooling) in found
        ]
        if not pairs:
            continue
        kinds = {_apart(own.interval, other.interval) for own, other in pairs}
        parts = [
            f"{_precision(own)} in the {words(codec)} space and {_precision(other)} "
            f"in the {words(base)} space{f' with {own.pooling} latents' if own.pooling else ''}"
            for own, other in pairs
        ]
        chance = pairs[0][0].chance
        at_chance = f"; chance is {number(chance)}" if chance is not None else ""
        told.append(
            Finding(
                kinds.pop() if len(kinds) == 1 else "open",
                f"The {words(codec)} space keeps genres together better than the {words(base)} space",
                f"Genre precision of nearest neighbours is {', '.join(parts)}{at_chance}.",
                f"Precision {number(pairs[0][0].precision)} against {number(pairs[0][1].precision)}",
            )
        )
    return told


def _pads_claims(evaluation: Mapping[str, Any]) -> list[Finding]:
    """Each sweep of PADS at its chosen strength against the setting without it where the sweep starts."""
    told = []
    measured = {(row.get("system"), row.get("setting")): row for row in rows(evaluation, "sweep")}
    starts = {(path.get("system"), path.get("path")): path["settings"][0] for path in rows(evaluation, "paths")}
    for pads in rows(evaluation):
        system = pads.get("system")
        plain = measured.get((system, starts.get((system, pads.get("path")))))
        if pads.get("method") != "pads" or plain is None or plain.get("method") != "none":
            continue
        if not all(finite(row.get(metric)) for row in (plain, pads) for metric in ("vendi", "clap_f")):
            continue
        diverse = _apart(interval_of(pads, "vendi"), interval_of(plain, "vendi"))
        aligned = _apart(interval_of(pads, "clap_f"), interval_of(plain, "clap_f"))
        cost = {
            "yes": "CLAP-f rises as well",
            "no": "CLAP-f falls",
            "open": "the intervals of CLAP-f overlap",
        }[aligned]
        sentence = (
            f"At the chosen strength, Vendi is {number(pads['vendi'])} with PADS against {number(plain['vendi'])} "
            f"without; {cost} ({number(pads['clap_f'])} against {number(plain['clap_f'])})."
        )
        name = labelled(str(pads.get("path") or "pads"))
        figure = f"{words('vendi')} {number(pads['vendi'])} against {number(plain['vendi'])}"
        claim = f"{name} makes the {words(str(system))} more diverse"
        told.append(Finding(diverse, claim, sentence, figure, str(system)))
    return told


def _caption_claim(captions: pd.DataFrame | None, manifest: pd.DataFrame | None) -> Finding | None:
    needed = {"similarity_original_audio", "similarity_caption_audio"}
    if captions is None or not needed <= set(captions.columns):
        return None
    both = captions.dropna(subset=sorted(needed))
    if len(both) < 2:
        return None
    gain = both["similarity_caption_audio"] - both["similarity_original_audio"]
    if manifest is not None:  # clips of one track are alike: the track is the unit
        gain = gain.groupby(both["clip_id"].map(manifest.set_index("clip_id")["track_id"])).mean()
    mean = float(gain.mean())
    spread = 1.96 * float(gain.std(ddof=1)) / float(np.sqrt(len(gain))) if len(gain) > 1 else float("nan")
    around = (mean - spread, mean + spread)
    kind: Kind = "open" if not finite(spread) or around[0] <= 0 <= around[1] else ("yes" if mean > 0 else "no")
    sentence = (
        f"Where there was a caption, refining moved its CLAP cosine with the audio by {number(mean)} "
        f"{bounds(around)} on average over {number(len(gain))} tracks. The same CLAP chose the captions, so this "
        "is a check, not a proof."
    )
    return Finding(kind, "Refined captions fit their audio better", sentence)


def _apart(ours: Any, theirs: Any) -> Kind:
    """Whether interval `ours` lies wholly above `theirs` (yes), wholly below (no), or overlaps it (open)."""
    if not ours or not theirs:
        return "open"
    if ours[0] > theirs[1]:
        return "yes"
    return "no" if ours[1] < theirs[0] else "open"


def _precision(space: Space) -> str:
    return f"{number(space.precision)} {bounds(space.interval) or '(no interval)'}"
