import pytest
import torch

from padstal.sampling.noise import SampleNoise, Stream


def test_a_sample_draws_the_same_alone_and_in_a_batch() -> None:
    together = SampleNoise([5, 5, 6], [0, 1, 0], Stream.LATENT)
    alone = SampleNoise([5], [1], Stream.LATENT)
    for _ in range(3):
        assert torch.equal(together.draw((4, 3))[1], alone.draw((4, 3))[0])


def test_every_draw_is_fresh() -> None:
    stream = SampleNoise([5], [0], Stream.PERTURBATION)
    assert not torch.equal(stream.draw((4,)), stream.draw((4,)))


def test_seed_index_stream_and_denoiser_each_change_the_noise() -> None:
    names = [
        (5, 0, Stream(0), 0),
        (6, 0, Stream(0), 0),
        (5, 1, Stream(0), 0),
        (5, 0, Stream(1), 0),
        (0, 5, Stream(0), 0),
    ]
    names += [(5, 0, stream, 1) for stream in Stream]
    draws = [SampleNoise([seed], [index], stream, place).draw((4,)) for seed, index, stream, place in names]
    assert len({tuple(draw.flatten().tolist()) for draw in draws}) == len(names)


def test_noise_is_standard_normal_float32() -> None:
    noise = SampleNoise([0, 1], [0, 0], Stream.LATENT).draw((20_000,))
    assert noise.dtype == torch.float32
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.std()) == pytest.approx(1, abs=0.02)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="-1"):
        SampleNoise([-1], [0], Stream.LATENT)
