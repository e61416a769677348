"""Clips of another length than the training's: their audio, what they are told, and what cannot be made."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.diffusion.fakes import FORM, FRAMES, RATIO, FakeCodec, setting, system

from padstal.diffusion.form import BACKBONES
from padstal.sampling.generate import generate
from padstal.systems.latent_system import LatentSystem

RATE = FakeCodec.sample_rate
CLIP = FRAMES * RATIO / RATE
MDT = {
    "kind": "mdt", "patch": [2, 2], "overlap": [0, 0], "width": 32, "heads": 4, "encoder_blocks": 2,
    "decoder_blocks": 1, "feed_forward": 2, "positions": "rope2d", "padding": "masked",
}  # fmt: skip
UNET1D = {
    "kind": "unet1d", "width": 16, "multiples": [1, 2, 2], "blocks": 2, "attentions": 1, "groups": 4, "heads": 2,
    "linear_features": 8, "cross_features": 8, "padding": "visible",
}  # fmt: skip


def played_by(backbone: dict[str, object]) -> LatentSystem:
    """The system with the config of another backbone."""
    one = system()
    trained = one.trained
    form = FORM.model_copy(update={"backbone": BACKBONES.parse(backbone)})
    config = trained.config.model_copy(update={"form": form})
    return replace(one, stages=(replace(one.stages[0], trained=replace(trained, config=config)),))


@pytest.mark.parametrize("seconds", [CLIP / 4, 5 * CLIP, 7.3 * CLIP])
def test_a_dit_makes_any_length_to_the_sample(seconds: float) -> None:
    longer = system().lasting(seconds)
    audio = generate(longer, ["jazz", "rock"], [1, 2], setting("pads"), batch=2, precision="32-true")
    assert audio.shape == (2, 1, round(seconds * RATE))
    assert (np.abs(audio).reshape(2, -1)[:, -RATIO:].max(axis=1) > 0).all()  # to its end


def test_the_length_of_the_training_clips_changes_nothing_but_what_is_told() -> None:
    one = system()
    same = replace(one.lasting(CLIP), attributes=one.attributes)
    how = {"batch": 1, "precision": "32-true"}
    assert np.array_equal(
        generate(one, ["jazz"], [1], setting(), **how),  # type: ignore[arg-type]
        generate(same, ["jazz"], [1], setting(), **how),  # type: ignore[arg-type]
    )


def test_a_clip_is_told_that_it_is_a_piece_of_its_length_unless_the_setting_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[dict[str, torch.Tensor]] = []
    sample = LatentSystem.sample
    monkeypatch.setattr(
        LatentSystem,
        "sample",
        lambda self, text, known, *rest, **how: told.append(known) or sample(self, text, known, *rest, **how),
    )
    longer = system().lasting(0.0625)
    for asked in ({}, {"seconds_total": 180.0}):
        generate(longer, ["jazz"], [1], setting(attributes=asked), batch=1, precision="32-true")
    assert [(float(known["seconds_start"]), float(known["seconds_total"])) for known in told] == [(0, 0.0625), (0, 180)]


def test_a_transformer_of_patches_makes_its_own_length_alone() -> None:
    assert played_by(MDT).lasting(CLIP).frames == FRAMES
    with pytest.raises(ValueError, match=r"^47 s: tal_dit cannot make so many; the nearest that it can is 0\.004 s$"):
        played_by(MDT).lasting(47)


def test_a_u_net_makes_what_can_be_halved_often_enough() -> None:
    unet = played_by(UNET1D)
    assert unet.lasting(20 * RATIO / RATE).frames == 20
    with pytest.raises(ValueError, match=r"the nearest that it can is 0\.012 s"):
        unet.lasting(23 * RATIO / RATE)
