import pytest
import torch

from padstal.codecs.adversarial import discriminator_loss, feature_matching, generator_loss
from padstal.nn.discriminators import DacDiscriminator, MultiScaleStftDiscriminator, at_unit_rms


def _learns_to_tell(discriminator, channels):
    generator = torch.Generator().manual_seed(0)
    time = torch.arange(512) / 512
    real = torch.sin(2 * torch.pi * 25 * time).expand(4, channels, -1) * 0.5
    fake = torch.randn(4, channels, 512, generator=generator) * 0.3
    optimiser = torch.optim.Adam(discriminator.parameters(), 2e-2)
    losses = []
    for _ in range(15):
        loss = discriminator_loss(discriminator(real), discriminator(fake), "hinge")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.slow
def test_the_stft_discriminator_learns_tone_from_noise():
    torch.manual_seed(0)
    for channels in (1, 2):
        losses = _learns_to_tell(MultiScaleStftDiscriminator(channels, (128, 64), 4), channels)
        assert losses[-1] < 0.7 * losses[0]


def test_quiet_audio_is_judged_like_loud_audio_and_silence_stays_silent():
    audio = torch.randn(2, 2, 256)
    audio[1] = 0.0
    levelled = at_unit_rms(0.01 * audio)
    torch.testing.assert_close(levelled[0].square().mean(), torch.tensor(1.0))
    assert (levelled[1] == 0).all()
    discriminator = MultiScaleStftDiscriminator(2, (64,), 4)
    loud, quiet = discriminator(audio), discriminator(0.01 * audio)
    torch.testing.assert_close(loud[0].logits, quiet[0].logits, rtol=1e-4, atol=1e-6)


def test_as_released_the_discriminator_hears_how_loud_the_audio_is():
    torch.manual_seed(0)
    audio = torch.randn(2, 1, 256)
    discriminator = MultiScaleStftDiscriminator(1, (64,), 4, unit_rms=False)
    discriminator.scales[0].layers[0].bias.data.zero_()
    loud, quiet = (discriminator(gain * audio)[0].features[0] for gain in (1.0, 0.5))
    torch.testing.assert_close(quiet, 0.5 * loud)


def test_gradients_reach_the_audio_through_logits_and_features():
    torch.manual_seed(0)
    discriminator = MultiScaleStftDiscriminator(1, (128,), 4)
    for loss_of in (
        lambda fake: generator_loss(discriminator(fake), "hinge"),
        lambda fake: feature_matching(discriminator(torch.randn(2, 1, 1024)), discriminator(fake), "normalised"),
    ):
        fake = torch.randn(2, 1, 1024, requires_grad=True)
        loss_of(fake).backward()
        assert fake.grad is not None
        assert fake.grad.abs().sum() > 0


@pytest.mark.slow  # importing dac takes seconds
def test_the_descript_discriminator_judges_stereo():
    torch.manual_seed(0)
    discriminator = DacDiscriminator(16_000, [256], [2, 3])
    audio = torch.randn(2, 2, 2048, requires_grad=True)
    verdicts = discriminator(audio)
    assert len(verdicts) == 3  # two periods, one band-split spectrogram
    assert all(verdict.features for verdict in verdicts)
    distance = feature_matching(discriminator(audio.detach() * 0.5), verdicts, "normalised")
    (generator_loss(verdicts, "lsgan") + distance).backward()
    assert audio.grad is not None
    assert torch.isfinite(audio.grad).all()
