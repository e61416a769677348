import torch
from tests.codecs.fakes import FakeAudio, FakeTextEncoder, audio_vae, rows, tal_vae

from padstal.codecs.clips import CaptionTable, Clips
from padstal.codecs.probes import audio_probes, retrieval, tal_probes


def test_retrieval_finds_the_nearest_caption():
    z_p = torch.eye(4).reshape(4, 4, 1)
    assert retrieval(z_p + 0.1, z_p) == 1
    assert retrieval(z_p.roll(1, 0), z_p) == 0
    assert retrieval(z_p[[0, 1, 3, 2]], z_p) == 0.5


def test_equal_captions_count_as_own():
    z_p = torch.zeros(3, 2, 1)
    assert retrieval(torch.randn(3, 2, 1), z_p) == 1


def _batch():
    captions = CaptionTable(FakeTextEncoder(), rows(4)["caption"], precompute=True)
    return Clips(rows(4), FakeAudio(), captions).first(4, 1024)


def test_a_collapsed_posterior_has_no_active_unit():
    torch.manual_seed(0)
    model = tal_vae()
    with torch.no_grad():
        for weight in (model.encoder_z_p.mix.weight, model.encoder_z_p.mix.bias):
            weight.zero_()
    values = tal_probes(model, _batch())
    assert values["probe_variance_z_p"] == 0
    assert values["probe_active_z_p"] == 0
    assert values["probe_shuffled_z"] == 0  # a constant z can be shuffled for nothing
    assert values["probe_variance_w_m"] > 0


def test_audio_probes_are_the_same_twice():
    torch.manual_seed(0)
    model = audio_vae(4)
    assert audio_probes(model, _batch()) == audio_probes(model, _batch())
