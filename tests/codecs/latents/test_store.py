from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from padstal.codecs.latents.store import LatentConfig, LatentStore, write_store

CONFIG = LatentConfig(
    codec="tal",
    fingerprint="f" * 64,
    sample_rate=16_000,
    channels=1,
    ratio=1024,
    samples=5120,
    shape=(3, 5),
    channel_groups={"w_m": (0, 2), "z_p": (2, 3)},
)
INDEX = pd.DataFrame({"clip_id": ["a", "b", "c"], "split": ["train", "test", "train"], "caption": ["jazz", "", "rock"]})


def _posteriors():
    rng = np.random.default_rng(0)
    mean = rng.standard_normal((3, 3, 5)).astype(np.float32)
    std = rng.random((3, 3, 5)).astype(np.float32)
    return mean, std


def test_what_was_written_is_read_back_to_float16(tmp_path):
    mean, std = _posteriors()
    write_store(tmp_path, INDEX, CONFIG, [(mean[:2], std[:2]), (mean[2:], std[2:])])
    store = LatentStore.open(tmp_path)
    assert store.config == CONFIG
    assert list(store.config.channel_groups) == ["w_m", "z_p"]
    assert store.latents_NE.dtype == np.float16
    assert store.index["row"].tolist() == [0, 1, 2]
    read_mean, read_std = store.posterior(np.array([2, 0]))
    np.testing.assert_array_equal(read_mean, mean[[2, 0]].astype(np.float16).astype(np.float32))
    np.testing.assert_array_equal(read_std, std[[2, 0]].astype(np.float16).astype(np.float32))


def test_a_split_keeps_each_clips_own_row(tmp_path):
    mean, std = _posteriors()
    write_store(tmp_path, INDEX, CONFIG, [(mean, std)])
    train = LatentStore.open(tmp_path).only("train")
    assert train.index["row"].tolist() == [0, 2]
    with pytest.raises(ValueError, match="validation"):
        train.only("validation")


@pytest.mark.parametrize("clips", [2, 4])
def test_another_number_of_latents_than_clips_is_refused(tmp_path, clips):
    mean, std = (np.ones((clips, 3, 5), np.float32) for _ in range(2))
    with pytest.raises(ValueError, match="3 clips"):
        write_store(tmp_path, INDEX, CONFIG, [(mean, std)])


def test_latents_too_large_for_float16_are_refused(tmp_path):
    mean, std = _posteriors()
    mean[1, 0, 0] = 1e6
    with pytest.raises(ValueError, match="float16"), np.errstate(over="ignore"):
        write_store(tmp_path, INDEX, CONFIG, [(mean, std)])


def test_groups_with_a_gap_are_refused():
    with pytest.raises(ValueError, match="z_p"):
        LatentConfig("tal", "", 16_000, 1, 1024, 5120, 5, {"w_m": (0, 2), "z_p": (3, 4)})


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_store(tmp_path / name, INDEX, CONFIG, [_posteriors()])
    for file in ("latents.npy", "index.parquet", "config.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_latents_of_any_shape_are_kept(tmp_path):
    config = replace(CONFIG, shape=(3, 5, 2))
    mean = np.arange(90, dtype=np.float32).reshape(3, 3, 5, 2)
    write_store(tmp_path, INDEX, config, [(mean, mean / 8)])
    store = LatentStore.open(tmp_path)
    assert store.config == config
    read_mean, read_std = store.posterior(np.array([1]))
    np.testing.assert_array_equal(read_mean, mean[[1]])
    np.testing.assert_array_equal(read_std, mean[[1]] / 8)


def test_groups_that_do_not_make_up_the_channels_are_refused():
    with pytest.raises(ValueError, match=r"channel groups end at 3: expected the 4 of \(4, 5\)"):
        replace(CONFIG, shape=(4, 5))
