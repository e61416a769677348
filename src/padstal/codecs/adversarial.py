"""Adversarial losses and feature matching.

A discriminator gives logits D(x) and feature maps f_1(x) … f_n(x); several discriminators are averaged.

    hinge:  L_disc = mean max(0, 1 − D(x)) + mean max(0, 1 + D(x̂)),    L_adv = −mean D(x̂)                         (1)
    LSGAN:  L_disc = mean (1 − D(x))² + mean D(x̂)²,                    L_adv = mean (1 − D(x̂))²                   (2)
    feature matching, plain (Stable Audio Open):  L_fm = mean_i  mean |f_i(x) − f_i(x̂)|                          (3)
    normalised (EnCodec):                         L_fm = mean_i  mean |f_i(x) − f_i(x̂)| / mean |f_i(x)|           (4)
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch.nn import functional

from padstal.codecs.discriminators import FeatureMatching
from padstal.nn.discriminators import Verdict

LossKind = Literal["hinge", "lsgan"]


def discriminator_loss(real: list[Verdict], fake: list[Verdict], kind: LossKind) -> torch.Tensor:
    """L_disc of (1) or (2)."""
    return _mean(_discriminator_loss(ours.logits, theirs.logits, kind) for ours, theirs in zip(real, fake, strict=True))


def _discriminator_loss(real: torch.Tensor, fake: torch.Tensor, kind: LossKind) -> torch.Tensor:
    real, fake = real.float(), fake.float()
    if kind == "hinge":
        return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
    return (1 - real).square().mean() + fake.square().mean()


def generator_loss(fake: list[Verdict], kind: LossKind) -> torch.Tensor:
    """L_adv of (1) or (2)."""
    cost: Callable[[torch.Tensor], torch.Tensor] = (lambda d: -d) if kind == "hinge" else (lambda d: (1 - d).square())
    return _mean(cost(verdict.logits.float()).mean() for verdict in fake)


def feature_matching(real: list[Verdict], fake: list[Verdict], kind: FeatureMatching) -> torch.Tensor:
    """(3) or (4); no gradient reaches the features of the real audio."""
    return _mean(
        _distance(f_real.detach().float(), f_fake.float(), kind)
        for ours, theirs in zip(real, fake, strict=True)
        for f_real, f_fake in zip(ours.features, theirs.features, strict=True)
    )


def _distance(real: torch.Tensor, fake: torch.Tensor, kind: FeatureMatching) -> torch.Tensor:
    distance = (real - fake).abs().mean()
    return distance if kind == "plain" else distance / real.abs().mean().clamp(min=1e-6)


def _mean(losses: object) -> torch.Tensor:
    return torch.stack(list(losses)).mean()  # type: ignore[call-overload]
