"""Which caption a clip is trained with: the decision table of caption refinement (QA-MDT 4.3, Eqs. 9–11).

T_o is the original caption, T_g the one that a captioner heard in the music M, S is CLAP's cosine:

    T_g fits  if S(T_g, M) > ρ1                                                    (9)
    T_o fits  if S(T_o, M) > ρ2                                                    (10)
    fuse both if both fit and S(T_o, T_g) < ρ3                                     (11)

All comparisons are strict, and a text or similarity that is absent (empty, NaN) never fits. The paper is silent where
no caption is left: such a clip keeps its audio and trains the unconditional branch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import numpy as np

from padstal.curation.captions.config import Thresholds
from padstal.curation.captions.merge import Merged, Merger, Refusal

T = TypeVar("T")
TextFit = Callable[[list[int], list[str]], np.ndarray]
"""Clip indices and as many texts to their CLAP cosines with those clips' audio."""
HeardWhole = Callable[[list[str]], list[bool]]
"""Whether CLAP hears each text to its end, or cuts it."""


class Decision(StrEnum):
    """What became of a clip's caption."""

    FUSED = "fused"
    """Both fit and differ: merged."""
    FUSION_REJECTED = "fusion_rejected"
    """They should have been merged, but the merged text is refused or does not fit: T_g."""
    REDUNDANT = "redundant"
    """Both fit and say the same: T_g (the paper leaves it open; a merged text would be verbose)."""
    REPLACED = "replaced"
    """Only T_g fits: T_g."""
    CAPTIONED = "captioned"
    """There was no T_o, and T_g fits: T_g."""
    KEPT = "kept"
    """Only T_o fits: T_o."""
    KEPT_UNFIT = "kept_unfit"
    """Neither fits: T_o, as in the paper."""
    UNCONDITIONAL = "unconditional"
    """Nothing usable: no caption."""


GENERATED = frozenset(
    {Decision.FUSED, Decision.FUSION_REJECTED, Decision.REDUNDANT, Decision.REPLACED, Decision.CAPTIONED}
)
"""Decisions after which the caption is, wholly or in part, the captioner's work, and comes under its licence."""


@dataclass(frozen=True)
class Refined:
    """Refined captions of N clips.

    Attributes:
        caption: Caption of each clip; "" trains unconditionally.
        decision: How it came about.
        refusal: Why a merged caption was not used; `None` where none was refused.
        similarity_N: S(caption, M); NaN where there is no caption.
        filtered_share: Share of generated captions that do not fit (Eq. 9; the paper's 8.9 %).
        fused_share: Share of clips with a fused caption (Eq. 11; the paper's 15.1 %).
    """

    caption: list[str]
    decision: list[Decision]
    refusal: list[Refusal | None]
    similarity_N: np.ndarray
    filtered_share: float
    fused_share: float


def decide(
    original: str,
    generated: str,
    similarity_original: float,
    similarity_generated: float,
    similarity_both: float,
    at: Thresholds,
) -> Decision:
    """The decision for one clip; `Decision.FUSED` means that merging should be tried."""
    has_original = bool(original.strip())
    original_fits = has_original and similarity_original > at.rho2  # (10); False for NaN
    generated_fits = bool(generated.strip()) and similarity_generated > at.rho1  # (9)
    if generated_fits and original_fits:
        return Decision.FUSED if similarity_both < at.rho3 else Decision.REDUNDANT  # (11)
    if generated_fits:
        return Decision.REPLACED if has_original else Decision.CAPTIONED
    if original_fits:
        return Decision.KEPT
    keep = has_original and at.neither_fits == "keep"
    return Decision.KEPT_UNFIT if keep else Decision.UNCONDITIONAL


def refine(
    original: list[str],
    generated: list[str],
    similarity_original_N: np.ndarray,
    similarity_generated_N: np.ndarray,
    similarity_both_N: np.ndarray,
    *,
    thresholds: Thresholds,
    merge: Merger,
    fit: TextFit,
    heard_whole: HeardWhole,
) -> Refined:
    """Apply the table to all clips, and merge where it says so.

    A merged caption that is refused, not heard to its end or fits no better than ρ1 gives way to T_g. `merge`
    and `fit` are asked once, for all pairs and all merged captions.
    """
    decision = [
        decide(*row, at=thresholds)
        for row in zip(
            original,
            generated,
            similarity_original_N.tolist(),
            similarity_generated_N.tolist(),
            similarity_both_N.tolist(),
            strict=True,
        )
    ]
    caption = [_chosen(d, t_o, t_g, "") for d, t_o, t_g in zip(decision, original, generated, strict=True)]
    similarity_N = np.array(
        [
            _chosen(d, s_o, s_g, np.nan)
            for d, s_o, s_g in zip(decision, similarity_original_N, similarity_generated_N, strict=True)
        ],
        dtype=np.float64,
    )
    fused = [i for i, d in enumerate(decision) if d is Decision.FUSED]
    refusal: list[Refusal | None] = [None] * len(decision)
    accepted = accept(
        fused,
        merge([original[i] for i in fused], [generated[i] for i in fused]) if fused else [],
        rho1=thresholds.rho1,
        fit=fit,
        heard_whole=heard_whole,
    )
    for i, (result, score) in zip(fused, accepted, strict=True):
        if result.refusal is None:
            caption[i], similarity_N[i] = result.caption, score
        else:
            caption[i], similarity_N[i] = generated[i], similarity_generated_N[i]
            decision[i], refusal[i] = Decision.FUSION_REJECTED, result.refusal
    return Refined(
        caption=caption,
        decision=decision,
        refusal=refusal,
        similarity_N=similarity_N,
        filtered_share=float(np.mean(~(similarity_generated_N > thresholds.rho1))) if len(caption) else 0.0,
        fused_share=decision.count(Decision.FUSED) / max(1, len(decision)),
    )


def accept(
    clips: list[int], merged: list[Merged], *, rho1: float, fit: TextFit, heard_whole: HeardWhole
) -> list[tuple[Merged, float]]:
    """Merged captions of `clips` with their similarity to the clips; those that cannot be used, with the reason."""
    whole = iter(heard_whole([result.caption for result in merged if result.refusal is None]))
    results = [result if result.refusal is not None or next(whole) else Merged("", Refusal.CUT) for result in merged]
    usable = [(clip, result.caption) for clip, result in zip(clips, results, strict=True) if result.refusal is None]
    scores = iter(fit([clip for clip, _ in usable], [text for _, text in usable]).tolist() if usable else [])
    scored = [(result, next(scores) if result.refusal is None else np.nan) for result in results]
    return [
        (result, score) if result.refusal is not None or score > rho1 else (Merged("", Refusal.UNFIT), np.nan)
        for result, score in scored
    ]


def _chosen(decision: Decision, of_original: T, of_generated: T, of_none: T) -> T:
    """What belongs to the caption that `decision` takes."""
    match decision:
        case Decision.KEPT | Decision.KEPT_UNFIT:
            return of_original
        case Decision.UNCONDITIONAL:
            return of_none
        case _:
            return of_generated
