import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.codecs.latents.dataset import LatentDataset
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentConfig, LatentStore, write_store
from padstal.training import batch_order
from padstal.training.batch_order import BatchOrder


@settings(max_examples=30, deadline=None)
@given(count=st.integers(1, 20), batch=st.integers(1, 25), seed=st.integers(0, 99))
def test_every_epoch_takes_every_item_once(count, batch, seed):
    order = BatchOrder(count, batch, seed)
    steps = -(-3 * count // batch)
    items = np.concatenate([order.items(step) for step in range(steps)])[: 3 * count]
    for epoch in items.reshape(3, count):
        assert sorted(epoch) == list(range(count))


def test_epochs_differ_and_seeds_differ():
    assert not np.array_equal(BatchOrder(50, 50, 0).items(0), BatchOrder(50, 50, 0).items(1))
    assert not np.array_equal(BatchOrder(50, 50, 0).items(0), BatchOrder(50, 50, 1).items(0))


def test_an_epoch_is_drawn_once_whoever_asks_for_its_steps():
    batch_order._permutation.cache_clear()
    shards = [BatchOrder(100, 8, 0) for _ in range(2)]
    for step in range(50):  # four epochs, whose ends do not fall between steps
        for order in shards:
            order.items(step)
    assert batch_order._permutation.cache_info().misses == 4


def test_the_order_without_weights_is_pinned():
    """What has been trained stays reproducible: these numbers may not change."""
    assert BatchOrder(7, 4, 3).items(0).tolist() == [5, 6, 2, 1]
    assert BatchOrder(7, 4, 3).items(1).tolist() == [4, 3, 0, 2]


@given(count=st.integers(1, 20), batch=st.integers(1, 25), weight=st.floats(0.01, 9))
def test_equal_weights_change_nothing(count, batch, weight):
    equal = BatchOrder(count, batch, 5, np.full(count, weight))
    for step in range(3):
        assert np.array_equal(equal.items(step), BatchOrder(count, batch, 5).items(step))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.0, 5.0), min_size=2, max_size=12).filter(lambda w: sum(w) > 0.5), st.integers(1, 40))
def test_a_weighted_batch_holds_each_item_about_as_often_as_its_weight_asks_for(weights, batch):
    weight_N = np.array([*weights, 1.0])
    expected_N = batch * weight_N / weight_N.sum()
    for step in range(5):
        items = BatchOrder(len(weight_N), batch, 1, weight_N).items(step)
        drawn_N = np.bincount(items, minlength=len(weight_N))
        assert drawn_N.sum() == batch
        if np.ptp(weight_N):
            assert (np.abs(drawn_N - expected_N) < 2).all()
            assert (drawn_N[weight_N == 0] == 0).all()


def test_the_frequencies_of_a_weighted_draw_are_the_weights():
    weight_N = np.array([1.0, 2.0, 4.0, 0.5, 2.5])
    order = BatchOrder(5, 3, 11, weight_N)
    steps = 4000
    drawn_N = np.bincount(np.concatenate([order.items(step) for step in range(steps)]), minlength=5)
    expected_N = 3 * steps * weight_N / weight_N.sum()
    assert np.abs(drawn_N - expected_N).max() < 4 * np.sqrt(expected_N.max())  # four deviations of independent draws


def test_which_items_share_a_weighted_batch_varies():
    order = BatchOrder(40, 8, 0, np.linspace(1, 2, 40))
    companions = {int(item) for step in range(400) for item in order.items(step) if 0 in order.items(step)}
    assert len(companions) > 30


def test_the_places_of_a_weighted_batch_are_shuffled_and_steps_differ():
    order = BatchOrder(40, 8, 0, np.linspace(1, 2, 40))
    batches = [order.items(step).tolist() for step in range(10)]
    assert len({tuple(batch) for batch in batches}) == 10
    assert any(batch != sorted(batch) for batch in batches)
    assert order.items(3).tolist() == batches[3]


@pytest.mark.parametrize(
    ("weights", "message"),
    [([1.0, 2.0], "shape"), ([1.0, np.nan, 2.0], "finite"), ([1.0, -1.0, 2.0], "finite"), ([0.0, 0.0, 0.0], "not all")],
)
def test_impossible_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        BatchOrder(3, 2, 0, np.array(weights))


@pytest.fixture
def dataset(tmp_path):
    config = LatentConfig("audio", "", 16_000, 1, 1024, 4096, (2, 4), {"z": (0, 2)})
    index = pd.DataFrame({"clip_id": list("abcde"), "split": ["train"] * 3 + ["test"] * 2, "caption": list("ABCDE")})
    mean = np.arange(5, dtype=np.float32)[:, None, None] * np.ones((5, 2, 4), np.float32)
    write_store(tmp_path, index, config, [(mean, np.full_like(mean, 0.5))])
    store = LatentStore.open(tmp_path)
    return LatentDataset(store.only("train"), LatentStatistics(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])))


def test_a_batch_is_a_normalised_draw_that_names_its_clips(dataset):
    batch = dataset.batch(np.array([2, 0]), torch.Generator().manual_seed(5))
    noise = torch.randn(2, 2, 4, generator=torch.Generator().manual_seed(5))
    drawn = torch.tensor([2.0, 0.0])[:, None, None] + 0.5 * noise
    expected = (drawn - torch.tensor([1.0, 2.0])[:, None]) / torch.tensor([2.0, 4.0])[:, None]
    torch.testing.assert_close(batch.latent_BD, expected)
    assert batch.clip_ids == ["c", "a"]


def test_a_resumed_run_sees_the_same_batches(dataset):
    whole = list(dataset.batches(batch=2, start=0, stop=6, seed=3))
    rest = list(dataset.batches(batch=2, start=4, stop=6, seed=3))
    for ours, theirs in zip(whole[4:], rest, strict=True):
        assert torch.equal(ours.latent_BD, theirs.latent_BD)
        assert ours.clip_ids == theirs.clip_ids
    assert {clip for batch in whole for clip in batch.clip_ids} == {"a", "b", "c"}


def test_weights_decide_how_often_a_latent_is_drawn(dataset):
    weighted = LatentDataset(dataset.store, dataset.statistics, np.array([1.0, 0.0, 3.0]))
    drawn = [clip for batch in weighted.batches(batch=4, start=0, stop=200, seed=1) for clip in batch.clip_ids]
    assert [drawn.count(clip) for clip in "abc"] == [200, 0, 600]
