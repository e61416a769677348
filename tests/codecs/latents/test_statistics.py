import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.codecs.latents.statistics import LatentStatistics, measure


def test_variance_is_that_of_draws_not_of_means():
    rng = np.random.default_rng(1)
    mean = (rng.standard_normal((4000, 2, 3)) * np.array([2.0, 0.0])[:, None] + 5).astype(np.float32)
    std = np.full_like(mean, 1.5)
    statistics = measure([(mean[:1000], std[:1000]), (mean[1000:], std[1000:])])
    np.testing.assert_allclose(statistics.mean_D, [5, 5], atol=0.08)
    np.testing.assert_allclose(statistics.std_D, [2.5, 1.5], rtol=0.02)  # √(2² + 1.5²), 1.5


def test_batches_do_not_matter():
    rng = np.random.default_rng(2)
    mean, std = rng.standard_normal((7, 3, 4)), rng.random((7, 3, 4))
    whole = measure([(mean, std)])
    parts = measure([(mean[:3], std[:3]), (mean[3:], std[3:])])
    torch.testing.assert_close(whole.mean_D, parts.mean_D)
    torch.testing.assert_close(whole.std_D, parts.std_D)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-3, 1e3))
def test_denormalise_inverts_normalise(seed, scale):
    generator = torch.Generator().manual_seed(seed)
    statistics = LatentStatistics(
        torch.randn(3, generator=generator) * scale, torch.rand(3, generator=generator) * scale + 1e-3
    )
    latent = torch.randn(2, 3, 5, generator=generator) * scale
    torch.testing.assert_close(
        statistics.denormalise(statistics.normalise(latent)), latent, rtol=1e-4, atol=1e-4 * scale
    )


def test_normalised_draws_have_zero_mean_and_unit_variance_by_channel():
    rng = np.random.default_rng(3)
    mean, std = rng.standard_normal((500, 2, 8)) * 3 + 1, np.full((500, 2, 8), 0.5)
    statistics = measure([(mean, std)])
    draws = torch.from_numpy(mean + std * rng.standard_normal(mean.shape))
    normal = statistics.normalise(draws)
    torch.testing.assert_close(normal.mean((0, 2)), torch.zeros(2, dtype=torch.float64), atol=0.05, rtol=0)
    torch.testing.assert_close(normal.std((0, 2)), torch.ones(2, dtype=torch.float64), atol=0.05, rtol=0)


def test_a_file_keeps_them(tmp_path):
    statistics = measure([(np.ones((1, 2, 3)), np.ones((1, 2, 3)))])
    statistics.save(tmp_path / "statistics.safetensors")
    read = LatentStatistics.load(tmp_path / "statistics.safetensors")
    assert torch.equal(read.mean_D, statistics.mean_D)
    assert torch.equal(read.std_D, statistics.std_D)


def test_an_empty_training_split_is_named():
    with pytest.raises(ValueError, match="training split"):
        measure([])


def test_another_number_of_channels_is_named():
    with pytest.raises(ValueError, match="4 channels, statistics of 2"):
        LatentStatistics(torch.zeros(2), torch.ones(2)).normalise(torch.zeros(1, 4, 3))


def test_latents_of_any_shape_are_measured_and_normalised_by_channel():
    rng = np.random.default_rng(4)
    mean, std = rng.standard_normal((6, 3, 4)), rng.random((6, 3, 4))
    flat, square = measure([(mean, std)]), measure([(mean.reshape(6, 3, 2, 2), std.reshape(6, 3, 2, 2))])
    torch.testing.assert_close(flat.mean_D, square.mean_D)
    torch.testing.assert_close(flat.std_D, square.std_D)
    latent = torch.from_numpy(mean)
    expected = flat.normalise(latent).reshape(6, 3, 2, 2)
    torch.testing.assert_close(flat.normalise(latent.reshape(6, 3, 2, 2)), expected)


def test_pooled_groups_have_the_statistics_of_all_their_values_and_share_them():
    rng = np.random.default_rng(4)
    scale = np.array([1.0, 2.0, 3.0, 0.5])[:, None]
    mean, std = rng.standard_normal((300, 4, 8)) * scale + scale, rng.random((300, 4, 8))
    statistics = measure([(mean[:100], std[:100]), (mean[100:], std[100:])], {"a": (0, 1), "b": (1, 4)})
    alone = measure([(mean, std)])
    assert (statistics.mean_D[0], statistics.std_D[0]) == (alone.mean_D[0], alone.std_D[0])
    spread = np.sqrt(mean[:, 1:].var() + (std[:, 1:] ** 2).mean())
    np.testing.assert_allclose(statistics.mean_D[1:], mean[:, 1:].mean(), rtol=1e-5)
    np.testing.assert_allclose(statistics.std_D[1:], spread, rtol=1e-5)


def test_latents_are_never_changed_by_what_is_done_with_them():
    rng = np.random.default_rng(5)
    mean, std = rng.standard_normal((3, 4, 8)), np.zeros((3, 4, 8))
    kept = mean.copy(), std.copy()
    statistics = measure([(mean, std)], {"all": (0, 4)})
    latent = torch.from_numpy(mean)
    statistics.normalise(latent)
    statistics.denormalise(latent)
    assert np.array_equal(mean, kept[0])
    assert np.array_equal(std, kept[1])
