"""Shares of filtered and fused captions beside the paper's, and an alarm where they lie far away.

    filtered = clips whose generated caption does not fit (S(T_g, M) ≤ ρ1, or there is none) / all clips    (Eq. 9)
    fused    = clips whose refined caption is a merged one / all clips                                     (Eq. 11)

QA-MDT 6.1 gives 8.9 % and 15.1 % on ASM and FMA with LAION's CLAP. A share r times above or below tells that captions,
captioner, CLAP or thresholds are of another kind than there, which may be so, but should be known.
"""

from dataclasses import dataclass

PAPER = {"filtered": 0.089, "fused": 0.151}
"""QA-MDT 6.1."""


@dataclass(frozen=True)
class Beside:
    """A share beside the paper's: `times` is their ratio, `alarm` whether that is far from 1."""

    value: float
    paper: float
    times: float
    alarm: bool


def beside_paper(filtered: float, fused: float, *, alarm_ratio: float) -> dict[str, Beside]:
    """Both shares; the alarm is set from `alarm_ratio` times above or below on."""
    found = {}
    for name, share in (("filtered", filtered), ("fused", fused)):
        times = share / PAPER[name]
        found[name] = Beside(share, PAPER[name], times, not 1 / alarm_ratio < times < alarm_ratio)
    return found
