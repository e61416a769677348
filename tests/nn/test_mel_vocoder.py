"""The small vocoder: whole hops, magnitudes that begin at the mel spectrogram, gradients, and no overflow."""

import torch

from padstal.nn.mel_vocoder import MelVocoder, spread
from padstal.nn.vocoder_mel import filters, vocoder_mel


def vocoder() -> MelVocoder:
    torch.manual_seed(0)
    return MelVocoder(sample_rate=16_000, bands=16, hop=160, window=640, width=8, depth=1)


def test_a_frame_is_a_hop_of_audio():
    assert vocoder()(torch.randn(2, 9, 16)).shape == (2, 9 * 160)


def test_spread_bands_give_back_a_smooth_spectrum():
    smooth = torch.linspace(2.0, 1.0, 513)
    bands = smooth @ filters(16_000, 1024, 64)
    given = bands @ spread(16_000, 1024, 64)
    assert float((given / smooth - 1)[5:500].abs().max()) < 0.1


def test_untrained_it_is_already_louder_where_the_spectrogram_is():
    tone = torch.sin(torch.arange(16_000) * 2 * torch.pi * 1000 / 16_000)[None]
    mel = vocoder_mel(tone, 16_000, 1024, 160, 16)
    again = vocoder_mel(vocoder()(mel).detach(), 16_000, 1024, 160, 16)
    assert abs(int(again.mean((0, 1)).argmax()) - int(mel.mean((0, 1)).argmax())) <= 1


def test_loud_bands_and_a_wild_head_stay_finite_and_gradients_reach_everything():
    model = vocoder()
    torch.nn.init.normal_(model.outlet.weight, std=100.0)
    audio = model(torch.full((1, 6, 16), 200.0))
    audio.square().mean().backward()
    assert bool(audio.isfinite().all())
    assert all(parameter.grad is not None for parameter in model.parameters())
