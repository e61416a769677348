import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from padstal.latents.dataset import LatentDataset
from padstal.latents.order import BatchOrder
from padstal.latents.statistics import LatentStatistics
from padstal.latents.store import LatentConfig, LatentStore, write_store


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


@pytest.fixture
def dataset(tmp_path):
    config = LatentConfig("audio", "", 16_000, 1, 1024, 4, {"z": (0, 2)})
    index = pd.DataFrame({"clip_id": list("abcde"), "split": ["train"] * 3 + ["test"] * 2, "caption": list("ABCDE")})
    mean = np.arange(5, dtype=np.float32)[:, None, None] * np.ones((5, 2, 4), np.float32)
    write_store(tmp_path, index, config, [(mean, np.full_like(mean, 0.5))])
    store = LatentStore.open(tmp_path)
    return LatentDataset(store.only("train"), LatentStatistics(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])))


def test_a_batch_is_a_normalised_draw_with_its_own_caption(dataset):
    batch = dataset.batch(np.array([2, 0]), torch.Generator().manual_seed(5))
    noise = torch.randn(2, 2, 4, generator=torch.Generator().manual_seed(5))
    drawn = torch.tensor([2.0, 0.0])[:, None, None] + 0.5 * noise
    expected = (drawn - torch.tensor([1.0, 2.0])[:, None]) / torch.tensor([2.0, 4.0])[:, None]
    torch.testing.assert_close(batch.latent_BDT, expected)
    assert batch.captions == ["C", "A"]
    assert batch.clip_ids == ["c", "a"]


def test_a_resumed_run_sees_the_same_batches(dataset):
    whole = list(dataset.batches(batch=2, start=0, stop=6, seed=3))
    rest = list(dataset.batches(batch=2, start=4, stop=6, seed=3))
    for ours, theirs in zip(whole[4:], rest, strict=True):
        assert torch.equal(ours.latent_BDT, theirs.latent_BDT)
        assert ours.clip_ids == theirs.clip_ids
    assert {clip for batch in whole for clip in batch.clip_ids} == {"a", "b", "c"}
