"""Training the small DAC: new clips are heard in what it learns, and its codebooks are in use."""

from functools import partial

import numpy as np
import pytest
import torch
from tests.codecs.bursts import bursts as any_bursts

from padstal.codecs.dac import load
from padstal.codecs.train_dac import held_out, revive, train, use_of
from padstal.demo.config import TrainedDac
from padstal.foundation.dac import build, config_of
from padstal.foundation.store import save

SECTION = TrainedDac(
    kind="trained", clips=24, fit={"steps": 150, "batch": 8, "learning_rate": 3e-3, "seed": 0}, target="pre",
    multiple=4, width=32, n_fft=128, hop=32, depth=1, deep_depth=1, embedding=16, n_codebooks=2,
    codebook_size=16, codebook_dim=4, crop_frames=32, continuous=0.4, quantizer_dropout=0.5, fft_sizes=[256, 64],
    mel=15.0, mrstft=1.0, commitment=0.25, codebook=1.0,
)  # fmt: skip
CLIP_SECONDS = 0.2
CPU = torch.device("cpu")


bursts = partial(any_bursts, seconds=CLIP_SECONDS, decay=9, quietest=-2)


@pytest.mark.slow
def test_new_clips_are_nearer_than_the_mean_spectrum_and_all_codebooks_are_in_use(tmp_path):
    audio = bursts(24, 0)
    model, losses = train(audio, SECTION, sample_rate=16_000, device=CPU)
    assert np.mean(losses[-15:]) < 0.7 * np.mean(losses[:3])
    save(tmp_path, model, config_of(SECTION, SECTION, 16_000, CLIP_SECONDS))
    report = held_out(load(tmp_path, CPU), audio, bursts(8, 1), CPU)
    assert report["held_out_n"] == 8
    assert report["held_out_mel_l1"] < 0.9 * report["held_out_mel_l1_mean_spectrum"]
    assert report["held_out_primary_mel_l1"] < report["held_out_mel_l1_mean_spectrum"]
    for number in (1, 2):
        assert 4 < report[f"perplexity_codebook_{number}"] <= 16
        assert report[f"used_codebook_{number}"] > 0.5


@pytest.mark.slow
def test_the_same_seed_gives_the_same_weights():
    short = TrainedDac(**SECTION.model_dump() | {"fit": {**SECTION.fit.model_dump(), "steps": 2}})
    (first, losses), (second, _) = (train(bursts(8, 0), short, sample_rate=16_000, device=CPU) for _ in range(2))
    assert len(losses) == 2
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_entries_that_nothing_asked_for_are_put_where_latents_are_and_others_stay():
    model = build(SECTION, 16_000)
    before = [quantizer.codebook.weight.clone() for quantizer in model.quantizer.quantizers]
    latent = torch.arange(3.0).repeat_interleave(4).reshape(1, 3, 4).transpose(1, 2).repeat(1, 2, 1) + 100
    uses = [torch.ones(16), torch.ones(16)]
    uses[1][:5] = 0
    revive(model, latent, uses, torch.Generator().manual_seed(0))
    after = [quantizer.codebook.weight for quantizer in model.quantizer.quantizers]
    assert torch.equal(after[0], before[0])
    assert torch.equal(after[1][5:], before[1][5:])
    assert (after[1][:5] >= 100).all()
    assert not any(use.any() for use in uses)


def test_perplexity_is_one_of_an_entry_alone_and_their_number_where_all_are_as_frequent():
    codes = torch.stack([torch.zeros(4, 8, dtype=torch.int64), torch.arange(32).reshape(4, 8)], dim=1)
    found = use_of(codes, 32)
    assert found["perplexity_codebook_1"] == pytest.approx(1)
    assert found["used_codebook_1"] == pytest.approx(1 / 32)
    assert found["perplexity_codebook_2"] == pytest.approx(32, rel=1e-5)
    assert found["used_codebook_2"] == 1


def test_clips_shorter_than_a_crop_are_refused():
    assert SECTION.hop * SECTION.crop_frames == 1024
    with pytest.raises(ValueError, match=r"expected at least the 1024 of crop_frames = 32"):
        train(bursts(2, 0)[:, :1000], SECTION, sample_rate=16_000, device=CPU)
