from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.diffusion.fakes import CHANNELS, FRAMES, RATIO, FakeTextEncoder, latent_config, latent_store

from padstal.codecs.latents.dataset import LatentDataset
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.core.protocols import TextStates
from padstal.diffusion.clips import CaptionStates, Clips
from padstal.training.distributed_shard import DistributedShard


def clips(folder: Path, crop: int | None = None) -> Clips:
    store = latent_store(folder)
    statistics = LatentStatistics(torch.zeros(CHANNELS), torch.ones(CHANNELS))
    dataset = LatentDataset(store.only("train"), statistics, crop=crop)
    states = CaptionStates.encode(store.index["caption"], FakeTextEncoder())
    texts = store.index.set_index("clip_id")["caption"]
    known = {"seconds_start": 2.5, "quality": np.arange(len(store.index))}
    return Clips(dataset, states, pd.DataFrame(known, index=store.index["clip_id"]), texts)


def test_a_caption_keeps_its_states_and_padding_is_zero() -> None:
    encoder = FakeTextEncoder()
    kept = CaptionStates.encode(["jazz", "rock", "jazz"], encoder).of(["rock", "jazz"])
    fresh = encoder.encode(["rock", "jazz"])
    assert torch.equal(kept.mask_BL, fresh.mask_BL)
    assert torch.equal(kept.states_BLD, fresh.states_BLD * fresh.mask_BL.unsqueeze(-1))


class Counting(FakeTextEncoder):
    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def encode(self, texts: list[str]) -> TextStates:
        self.calls.append(texts)
        return super().encode(texts)


def test_each_caption_is_encoded_once_in_calls_of_one_shape() -> None:
    encoder = Counting()
    CaptionStates.encode([f"c{number % 10}" for number in range(50)], encoder, batch=4)
    assert [len(texts) for texts in encoder.calls] == [4, 4, 4]
    assert sorted({text for texts in encoder.calls for text in texts if text}) == [f"c{number}" for number in range(10)]


def test_states_on_disk_are_those_in_memory_and_encoded_by_the_first_who_asks(tmp_path: Path) -> None:
    captions, encoder = ["slow rock", "jazz", "", "jazz"], Counting()
    first, second = (CaptionStates.kept(tmp_path, captions[::step], encoder, "me") for step in (1, -1))
    assert len(encoder.calls) == 1
    whole = CaptionStates.encode(captions, FakeTextEncoder()).of(captions)
    for kept in (first.of(captions), second.of(captions)):
        assert torch.equal(kept.states_BLD, whole.states_BLD)
        assert torch.equal(kept.mask_BL, whole.mask_BL)


@pytest.mark.parametrize(("captions", "made_by"), [(["jazz", "folk"], "me"), (["jazz", "rock"], "another encoder")])
def test_other_captions_or_another_encoder_have_states_of_their_own(
    tmp_path: Path, captions: list[str], made_by: str
) -> None:
    encoder = Counting()
    CaptionStates.kept(tmp_path, ["jazz", "rock"], encoder, "me")
    CaptionStates.kept(tmp_path, captions, encoder, made_by).of(captions)
    assert len(encoder.calls) == 2


def test_an_empty_caption_is_its_end_of_sequence() -> None:
    assert CaptionStates.encode([""], FakeTextEncoder()).of([""]).mask_BL.sum() == 1


def test_an_unknown_caption_is_an_error() -> None:
    with pytest.raises(KeyError, match="rock"):
        CaptionStates.encode(["jazz"], FakeTextEncoder()).of(["rock"])


def test_batches_go_on_where_they_stopped(tmp_path: Path) -> None:
    whole = list(clips(tmp_path).batches(batch=5, start=0, stop=6, seed=3))
    rest = list(clips(tmp_path).batches(batch=5, start=4, stop=6, seed=3))
    assert [batch.step for batch in rest] == [4, 5]
    assert torch.equal(whole[4].latent_BD, rest[0].latent_BD)
    assert torch.equal(whole[5].text.states_BLD, rest[1].text.states_BLD)


def test_a_batch_carries_the_attributes_of_its_own_clips(tmp_path: Path) -> None:
    for batch in clips(tmp_path).batches(batch=5, start=0, stop=4, seed=3):
        assert batch.attributes["seconds_start"].tolist() == [2.5] * 5
        named = [int(clip_id.removeprefix("clip")) for clip_id in batch.clip_ids]
        assert batch.attributes["quality"].tolist() == named
        own = FakeTextEncoder().encode([("", "jazz", "slow rock")[number % 3] for number in named])
        assert torch.equal(batch.text.mask_BL, own.mask_BL)
        assert torch.equal(batch.text.states_BLD, own.states_BLD * own.mask_BL.unsqueeze(-1))


def test_a_crop_is_a_part_of_its_clip_and_is_told_where_it_begins(tmp_path: Path) -> None:
    found = clips(tmp_path, crop=3)
    store, seen = found.latents.store, set()
    for batch in found.batches(batch=6, start=0, stop=12, seed=1):
        assert batch.latent_BD.shape == (6, CHANNELS, 3)
        rows = store.index.set_index("clip_id")["row"].loc[batch.clip_ids].to_numpy()
        mean, _ = store.posterior(rows)
        first_B = ((batch.attributes["seconds_start"] - 2.5) * 8_000 / RATIO).round().long()
        for own_DT, mean_DT, first in zip(batch.latent_BD, torch.from_numpy(mean), first_B.tolist(), strict=True):
            assert (own_DT - mean_DT[:, first : first + 3]).abs().max() < 0.7  # 7 deviations of the posterior
        seen |= set(first_B.tolist())
    assert seen == set(range(FRAMES - 2))


def test_shards_of_a_batch_of_crops_are_its_parts(tmp_path: Path) -> None:
    found = clips(tmp_path, crop=3)
    (whole,) = found.batches(batch=6, start=4, stop=5, seed=1)
    for rank in range(2):
        (part,) = found.batches(batch=6, start=4, stop=5, seed=1, shard=DistributedShard(rank, 2))
        own = slice(3 * rank, 3 * rank + 3)
        assert torch.equal(part.latent_BD, whole.latent_BD[own])
        assert torch.equal(part.attributes["seconds_start"], whole.attributes["seconds_start"][own])


def test_a_crop_longer_than_the_clips_is_refused() -> None:
    assert latent_config().cropped(3).shape == (CHANNELS, 3)
    assert latent_config().cropped(3).clip_samples == 3 * RATIO
    with pytest.raises(ValueError, match="crop_frames = 9: the clips of tal have 8 latent frames"):
        latent_config().cropped(9)
