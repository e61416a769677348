from dataclasses import replace

import pytest
import torch
from tests.codecs.fakes import FRAMES, SPECTRAL, FakeAudio, FakeTextEncoder, rows, tal_config

from padstal.codecs.clips import CaptionTable, Clips
from padstal.codecs.learning_rate import LearningRate
from padstal.codecs.mrstft import MultiResolutionStft
from padstal.codecs.objective import TalWeights
from padstal.codecs.recipes import TalRecipe
from padstal.codecs.tal_vae import TalVae
from padstal.nn.discriminators import MultiScaleStftDiscriminator

pytestmark = pytest.mark.slow  # imports lightning


def _train(folder, steps_before_death=None, **changes):
    from padstal.codecs.training import Plan, train

    plan = Plan(
        steps=14,
        batch=3,
        crop=FRAMES * SPECTRAL.ratio,
        learning_rate=2e-3,
        discriminator_learning_rate=1e-3,
        rate=LearningRate("cosine", 2, 1.0),
        weight_decay=0.0,
        discriminator_start=6,
        judged=4 * SPECTRAL.ratio,
        adversarial="hinge",
        generator_clip=10.0,
        discriminator_clip=10.0,
        ema_decay=0.5,
        precision="32-true",
        seed=3,
        log_every=3,
        probe_every=6,
        probe_clips=3,
        checkpoint_every=4,
    )
    plan = replace(plan, **changes)
    torch.manual_seed(0)
    names = [
        "adversarial",
        "feature_matching",
        "mrstft",
        "waveform",
        "ce",
        "alignment",
        "kl_z_m",
        "kl_z_p",
        "kl_w_m",
        "kl_w_t",
    ]
    weights = TalWeights(**dict.fromkeys(names, 0.1))
    recipe = TalRecipe(MultiResolutionStft((64,), 1, a_weighting=False, sample_rate=8000), weights, 0.3)
    clips = Clips(rows(8), FakeAudio(), CaptionTable(FakeTextEncoder(), rows(8)["caption"], precompute=True))

    def killed_at(steps):
        for step in steps:
            if step == steps_before_death:
                raise KeyboardInterrupt
            yield step

    return train(
        TalVae(tal_config()),
        MultiScaleStftDiscriminator(1, (64,), 2),
        recipe,
        clips,
        clips,
        plan,
        device=torch.device("cpu"),
        state_folder=folder,
        progress=killed_at,
    )


def test_a_killed_and_resumed_run_gives_the_same_bits(tmp_path):
    whole = _train(tmp_path / "whole")
    with pytest.raises(BaseException):  # noqa: B017, PT011 (Lightning turns an interrupt into its own exit)
        _train(tmp_path / "killed", steps_before_death=11)
    resumed = _train(tmp_path / "killed")
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name
    assert whole.curves == resumed.curves
    assert [row["step"] for row in whole.curves] == [3, 6, 9, 12, 14]
    assert "probe_retrieval" in whole.curves[1]
    assert "probe_retrieval" not in whole.curves[0]


def test_generator_and_discriminator_alternate_after_the_start(tmp_path):
    curves = _train(tmp_path, steps=8, log_every=1, probe_every=8).curves
    assert ["discriminator" in row for row in curves] == [False] * 6 + [True, False]
    assert all(row["adversarial"] == 0 for row in curves[:6])
    assert curves[7]["adversarial"] != 0
    assert curves[7]["feature_matching"] > 0


def test_the_loss_falls(tmp_path):
    curves = _train(tmp_path, steps=40, discriminator_start=40, log_every=5, probe_every=40).curves
    assert curves[-1]["loss"] < 0.9 * curves[0]["loss"]


def test_a_loss_that_is_no_number_stops_the_run(tmp_path):
    with pytest.raises(FloatingPointError, match="step"):
        _train(tmp_path, learning_rate=1e30, generator_clip=1e30)
