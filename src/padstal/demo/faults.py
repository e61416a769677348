"""What is wrong with the corpus on purpose: which track has which fault, in stated shares."""

from dataclasses import dataclass

import numpy as np

from padstal.demo.vocabulary import DEGRADATIONS
from padstal.ingest.config import SynthSource

FAULT_STREAM = 0xFA7
LOWEST_SEVERITY = 0.15

WRONG_CAPTION = 0.10
MISSING_CAPTION = 0.06
WEAK_CAPTION = 0.08
EXACT_COPIES = 0.04
NEAR_COPIES = 0.06
FOREIGN_LICENCE = 0.04
"""Shares of the tracks composed; that of degraded ones is the source's. A track has at most one caption fault; other
faults fall independently."""

LICENCE = "CC-BY-4.0"
FOREIGN = "All rights reserved"
NEAR_KINDS = ("re-encoded", "gain", "trimmed start")


@dataclass(frozen=True)
class Fault:
    """What is wrong with one track.

    Attributes:
        degradation, severity: As in `degrade`; "" and 0 for none.
        caption_fault: "", "wrong", "missing" or "weak".
        licence_foreign: Under a licence that the demo's policy does not name.
    """

    degradation: str
    severity: float
    caption_fault: str
    licence_foreign: bool


@dataclass(frozen=True)
class Copy:
    """A second file of a track's music: `kind` is "exact" or "near"; `how` is one of `NEAR_KINDS` for near copies."""

    of: int
    kind: str
    how: str


def plant(source: SynthSource) -> tuple[list[Fault], list[Copy]]:
    """The fault of each track, and the copies, of a source's corpus; every kind of degradation equally often."""
    tracks = source.tracks
    rng = np.random.default_rng([FAULT_STREAM, source.seed])
    degraded = rng.permutation(tracks)[: round(source.degraded_share * tracks)]
    kinds = {int(track): DEGRADATIONS[i % len(DEGRADATIONS)] for i, track in enumerate(degraded)}
    beta = source.severity_beta
    drawn = rng.beta(*beta, len(kinds)) if beta else rng.uniform(LOWEST_SEVERITY, 1, len(kinds))
    severity = dict(zip(kinds, drawn.round(3).tolist(), strict=True))
    counts = [round(share * tracks) for share in (WRONG_CAPTION, MISSING_CAPTION, WEAK_CAPTION)]
    names = np.repeat(("wrong", "missing", "weak"), counts).tolist()
    captions = dict(zip(rng.permutation(tracks).tolist(), names, strict=False))
    foreign = set(rng.permutation(tracks)[: round(FOREIGN_LICENCE * tracks)].tolist())
    faults = [Fault(kinds.get(i, ""), severity.get(i, 0.0), captions.get(i, ""), i in foreign) for i in range(tracks)]
    order = [i for i in rng.permutation(tracks).tolist() if i not in foreign]
    exact, near = round(EXACT_COPIES * tracks), round(NEAR_COPIES * tracks)
    copies = [Copy(of, "exact", "") for of in order[:exact]]
    copies += [Copy(of, "near", NEAR_KINDS[i % len(NEAR_KINDS)]) for i, of in enumerate(order[exact : exact + near])]
    return faults, copies
