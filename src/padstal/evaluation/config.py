"""`evaluate`: what is measured, how finely, and at which alignment methods are compared (PADS-TAL 3)."""

from typing import Annotated

from pydantic import Field, model_validator

from padstal.core.section import Section, value
from padstal.foundation.config import PublishedEmbedder

POSTERIORS, FEATURES = ("passt", "panns"), ("openl3", "vggish")
EMBEDDERS = {"kl": POSTERIORS, "inception": POSTERIORS, "fd": FEATURES, "fad": FEATURES}
"""Metric → kinds of embedders that give what it is taken of."""


class EvaluateParams(Section):
    """Models, windows, neighbours and bootstrap."""

    seed: int = value("seed of the bootstrap", ge=0)
    batch_clips: int = value("clips that the foundation models hear at once", "clips", ge=1)
    windows: tuple[Annotated[float, Field(ge=0, le=1)], ...] = value(
        "where CLAP-f's windows start, as shares of (length − window); each in [0, 1]", min_length=1, max_length=10
    )
    window_grid_seconds: float = value("window starts are rounded to multiples of it; 0 for none", "s", ge=0, le=10)
    recall_neighbours: int = value("k of recall's manifold", "clips", ge=1, le=50)
    latent_neighbours: int = value("k of the latent spaces' genre precision", "clips", ge=1, le=100)
    reference_clips: int = value("most held-out clips that generated ones are compared with", "clips", ge=8)
    training_clips: int = value(
        "most training clips that generated ones should not be near copies of", "clips", default=2000, ge=1
    )
    latent_clips: int = value("most training clips, and most held-out ones, compared in latent space", "clips", ge=8)
    draws: int = value("bootstrap draws of prompts for means", "draws", ge=1000)
    set_draws: int = value("bootstrap draws for Vendi, recall and FD and at matched CLAP-f", "draws", ge=100)
    confidence: float = value("level of all intervals", "share", gt=0.5, lt=1)
    target_clap_f: float | None = value(
        "CLAP-f at which methods are compared; null picks it from the range that all methods reach",
        "cosine",
        ge=-1,
        le=1,
    )
    target_position: float = value(
        "without a target: its place in that range, 0 lowest, 1 highest (where methods share the unperturbed end)",
        ge=0,
        le=1,
    )
    embedders: dict[str, PublishedEmbedder] = value(
        "published networks by the metric that is taken of them (kl, inception: passt or panns; fd, fad: openl3 or "
        "vggish); without one, FAD is left out and the others are of the tagger",
        default_factory=dict,
    )
    retentions: tuple[Annotated[float, Field(gt=0, le=1)], ...] = value(
        "shares of a system's alignment (CLAP-f above chance) at which methods are compared", min_length=1
    )
    widest_bracket: float = value(
        "most that the two settings around such a point may lie apart, as a share of the alignment", gt=0, le=1
    )
    kept_clap_share: float = value(
        "rows show the most diverse strength that keeps this share of the unperturbed CLAP-f on tune prompts",
        gt=0,
        le=1,
    )
    baseline: tuple[str, str] = value("system and method that differences are taken against")
    retrained: dict[str, list[str]] = value(
        "system → systems that differ from it in the seed of their training alone; what they have in common is pooled",
        default_factory=dict,
    )

    @model_validator(mode="after")
    def _embedders_give_what_metrics_need(self) -> "EvaluateParams":
        for metric, embedder in self.embedders.items():
            if metric not in EMBEDDERS:
                raise ValueError(f"embedders.{metric}: expected one of {', '.join(EMBEDDERS)}")
            if embedder.kind not in EMBEDDERS[metric]:
                raise ValueError(
                    f"embedders.{metric}: kind = {embedder.kind}: expected {' or '.join(EMBEDDERS[metric])}"
                )
        return self
