"""Every data stage's claims beside what the composer planted: a figure, what it is held against, and whether it holds.

Only evaluation reads the truth; the figures are those of `evaluate.json`, section `truth`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from padstal.reporting.inputs import Inputs
from padstal.reporting.table import Cell, Table
from padstal.reporting.text import bounds, finite, number, words

NEAR_BOUND = 0.95
"""Precision and recall that finding near-duplicates is to reach."""
FAULT_WORDS = {
    "right": "captions that are right",
    "wrong": "captions of other music",
    "weak": "captions of one tag",
    "missing": "missing captions",
}
LEFT_WORDS = {
    "foreign_licences": "tracks under a planted foreign licence that are in the data set",
    "exact_duplicates": "clips that are in the data set twice",
    "near_duplicates": "planted near-duplicates that are in the data set with their originals",
    "recordings_in_two_splits": "planted copies that are in another split than their originals",
    "artists_in_two_splits": "artists that are in more than one split",
}
Verdict = Literal["holds", "does not hold", "open", ""]
_LOOKS = {"holds": "good", "does not hold": "bad", "open": "warn"}


@dataclass(frozen=True)
class Claim:
    """One claim of a stage.

    Attributes:
        stage: Who claims it.
        claim: What, as a sentence about `figure`.
        figure: What was found.
        interval: Around it; "" where there is none.
        against: What it is held against: a bound, or chance; "" where it is told for itself.
        verdict: "" where it is held against nothing.
        n: What it rests on.
    """

    stage: str
    claim: str
    figure: str
    interval: str = ""
    against: str = ""
    verdict: Verdict = ""
    n: str = ""


def claims(inputs: Inputs) -> list[Claim]:
    """All claims that the run has figures of, in the order of the stages; none without planted truth."""
    truth = inputs.evaluation.get("truth")
    if not isinstance(truth, Mapping) or not any(truth.values()):
        return []
    found = {name: part if isinstance(part, Mapping) else {} for name, part in truth.items()}
    return [
        *_ingest(found),
        *_validate(inputs, found.get("left", {})),
        *_score(found.get("quality", {})),
        *_caption(found.get("captions", {})),
        *_curate(found),
    ]


@dataclass(frozen=True)
class StageClaims:
    """One stage's claims as the page shows them.

    Attributes:
        told: How many hold, how many are open, how many are held against nothing.
        broken: Whether one does not hold.
    """

    stage: str
    told: str
    broken: bool
    table: Table


def stage_claims(inputs: Inputs) -> list[StageClaims]:
    """The claims of each stage that makes any."""
    found: dict[str, list[Claim]] = {}
    for claim in claims(inputs):
        found.setdefault(claim.stage, []).append(claim)
    return [_of_stage(stage, rows) for stage, rows in found.items()]


def _of_stage(stage: str, rows: Sequence[Claim]) -> StageClaims:
    verdicts = Counter(row.verdict for row in rows)
    told = [f"{number(verdicts['holds'])} of {number(len(rows) - verdicts[''])} hold"]
    told += [f"{number(verdicts['open'])} open"] if verdicts["open"] else []
    told += [f"{number(verdicts[''])} more without a bound"] if verdicts[""] else []
    cells = tuple(
        (
            row.claim,
            Cell(row.figure, below=row.interval),
            row.against or "–",
            Cell(row.verdict or "–", look=_LOOKS.get(row.verdict, "")),
            row.n or "–",
        )
        for row in rows
    )
    table = Table(("claim", "found", "held against", "verdict", "n"), cells, (False, False, False, False, True))
    return StageClaims(stage, ", ".join(told), "does not hold" in verdicts, table)


def broken_claims(inputs: Inputs) -> list[str]:
    """One sentence for each claim that does not hold."""
    return [
        f"The claim of {row.stage}, “{row.claim}”, does not hold: {row.figure}, expected {row.against}."
        for row in claims(inputs)
        if row.verdict == "does not hold"
    ]


def _ingest(truth: Mapping[str, Any]) -> Iterator[Claim]:
    exact, foreign = truth.get("exact_duplicates", {}), truth.get("foreign_licences", {})
    yield from _detection("ingest", "planted exact copies", exact, 1.0)
    yield from _detection("ingest", "planted foreign licences", foreign, 1.0)
    kept = truth.get("sound_files_kept", {})
    if finite(kept.get("value")):
        yield _bounded("ingest", "files with nothing wrong that gave clips", kept, "value", 1.0)
    for kind, row in sorted(truth.get("screening", {}).items()):
        if row.get("refused") or row.get("repaired"):
            figure = f"{number(row['refused'])} refused, {number(row['repaired'])} repaired"
            yield Claim("ingest", f"files with {kind} that screening saw", figure, n=number(row["files"]))
        if finite(row.get("roc_area")):
            claim = f"the measure that screens for {kind} tells it from clean tracks (ROC area)"
            yield _above("ingest", claim, row["roc_area"], 0.5, number(row["files"]))


def _validate(inputs: Inputs, left: Mapping[str, Any]) -> Iterator[Claim]:
    rows = (inputs.verdict or {}).get("expectations")
    if rows:
        broken = sum(not row.get("success", True) for row in rows)
        yield Claim("validate", "expectations of the data that are broken", number(broken), n=number(len(rows)))
    for name, claim in LEFT_WORDS.items():
        if finite(left.get(name)):
            holds: Verdict = "holds" if left[name] == 0 else "does not hold"
            yield Claim("validate", claim, number(left[name]), against="0", verdict=holds)


def _score(quality: Mapping[str, Any]) -> Iterator[Claim]:
    degraded = quality.get("degraded") or {}
    if finite(degraded.get("value")):
        claim = "p-MOS tells degraded tracks from clean ones (ROC area)"
        yield _above("score", claim, degraded["value"], degraded["chance"], number(degraded["n"]))
    clean = quality.get("pmos_of_clean")
    for kind, row in sorted((quality.get("of_kind") or {}).items()):
        if not finite(row.get("pmos")) or not finite(clean):
            continue
        told = f"ROC area {number(row.get('roc_area'))}, correlation with the true score {number(row.get('spearman'))}"
        figure = f"{number(row['pmos'])} against {number(clean)}"
        verdict: Verdict = "holds" if row["pmos"] < clean else "does not hold"
        claim = f"p-MOS of tracks with {kind} is lower than of clean ones ({told})"
        yield Claim("score", claim, figure, against="lower", verdict=verdict, n=number(row["n"]))
    lowest = quality.get("lowest_level") or {}
    if finite(lowest.get("precision")):
        claim = "precision: clips of the lowest quality level whose true score is below 3"
        yield _beside_chance("score", claim, lowest, "precision", lowest.get("flagged"))
    if finite(lowest.get("recall")):
        claim = "recall: clips of a true score below 3 that are of the lowest level"
        yield _told("score", claim, lowest, "recall", lowest.get("planted"))


def _caption(captions: Mapping[str, Any]) -> Iterator[Claim]:
    wrong = captions.get("wrong") or {}
    if finite(wrong.get("precision")):
        yield _beside_chance(
            "caption", "precision: rejected captions that are planted wrong ones", wrong, "precision", wrong["flagged"]
        )
    if finite(wrong.get("recall")):
        yield _told("caption", "recall: planted wrong captions that were rejected", wrong, "recall", wrong["planted"])
    for name in ("wrong", "right"):
        row = captions.get(f"{name}_left") or {}
        if finite(row.get("value")):
            yield _told("caption", f"{FAULT_WORDS[name]} that are kept or fused", row, "value", row.get("n"))
    for name, row in (captions.get("of_fault") or {}).items():
        n = number(row["clips"])
        moved = (row.get("clap_score") or {}).get("difference")
        if moved:
            ends = moved.get("interval") or ()
            verdict = _sign(ends)
            score = row["clap_score"]
            figure = f"{number(score['before']['value'])} → {number(score['after']['value'])}"
            claim = f"CLAP score rises: {FAULT_WORDS.get(name, name)}, before → after; interval of the difference"
            yield Claim("caption", claim, figure, bounds(ends), "rises", verdict, n)
        claim = f"the true genre is named: {FAULT_WORDS.get(name, name)}, before → after"
        yield Claim("caption", claim, f"{number(row['genre_before'])} → {number(row['genre_after'])}", n=n)
        decisions = sorted(row["decisions"].items(), key=lambda pair: (-pair[1], pair[0]))
        told = ", ".join(f"{words(key)} {number(count)}" for key, count in decisions)
        yield Claim("caption", f"decisions: {FAULT_WORDS.get(name, name)}", told, n=n)


def _curate(truth: Mapping[str, Any]) -> Iterator[Claim]:
    yield from _detection("curate", "planted near-duplicates", truth.get("near_duplicates", {}), NEAR_BOUND)
    cut = truth.get("unlikely", {})
    if not cut:
        return
    yield Claim(
        "curate",
        "tracks cut as unlikely that are degraded",
        number(cut["degraded"]["value"]),
        against=f"{number(cut['degraded']['chance'])} of all",
        n=number(cut["degraded"]["n"]),
    )
    before, after = cut["genre_entropy_before"], cut["genre_entropy_after"]
    lost = sum(row["lost"] for row in cut["of_genre"].values())
    total = sum(row["tracks"] for row in cut["of_genre"].values())
    most = max(sorted(cut["of_genre"].items()), key=lambda pair: pair[1]["lost"] / max(pair[1]["tracks"], 1))
    claim = (
        f"entropy of true genres over the cut, bits (most lost: {most[0]}, "
        f"{most[1]['lost']} of {most[1]['tracks']}; {lost} of {total} in all)"
    )
    yield Claim("curate", claim, f"{number(before)} → {number(after)}", n=number(total))


def _detection(stage: str, what: str, found: Mapping[str, Any], least: float) -> Iterator[Claim]:
    if finite(found.get("recall")):
        yield _bounded(stage, f"recall: {what} that were found", found, "recall", least, found["planted"])
    if finite(found.get("precision")):
        yield _bounded(stage, f"precision: what was taken for {what}", found, "precision", least, found["flagged"])


def _bounded(stage: str, claim: str, row: Mapping[str, Any], key: str, least: float, n: Any = None) -> Claim:
    verdict: Verdict = "holds" if row[key] >= least else "does not hold"
    against = "all" if least == 1 else f"at least {number(least)}"
    return Claim(stage, claim, number(row[key]), bounds(_ends(row, key)), against, verdict, _count(n, row))


def _beside_chance(stage: str, claim: str, row: Mapping[str, Any], key: str, n: Any) -> Claim:
    """A share that is to be above chance: holds if its whole interval is."""
    ends = _ends(row, key)
    if not finite(row.get(f"{key}_chance")):
        return _told(stage, claim, row, key, n)
    chance = float(row[f"{key}_chance"])
    verdict: Verdict = "open"
    if ends:
        verdict = "holds" if ends[0] > chance else "does not hold" if ends[1] < chance else "open"
    return Claim(stage, claim, number(row[key]), bounds(ends), f"chance {number(chance)}", verdict, _count(n, row))


def _above(stage: str, claim: str, value: float, chance: float, n: str) -> Claim:
    verdict: Verdict = "holds" if value > chance else "does not hold"
    return Claim(stage, claim, number(value), against=f"chance {number(chance)}", verdict=verdict, n=n)


def _told(stage: str, claim: str, row: Mapping[str, Any], key: str, n: Any) -> Claim:
    return Claim(stage, claim, number(row[key]), bounds(_ends(row, key)), n=_count(n, row))


def _ends(row: Mapping[str, Any], key: str) -> Sequence[float]:
    return row.get(f"{key}_interval") or (row.get("interval") if key == "value" else None) or ()


def _sign(ends: Sequence[float]) -> Verdict:
    if not ends or ends[0] <= 0 <= ends[1]:
        return "open"
    return "holds" if ends[0] > 0 else "does not hold"


def _count(n: Any, row: Mapping[str, Any]) -> str:
    found = row.get("n") if n is None else n
    return "" if found is None else number(found)
