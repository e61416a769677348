"""The shards of all processes, put together, are what one process alone would have had: clips, crops, texts, noise."""

import numpy as np
import pandas as pd
import pytest
import torch
from tests.codecs import fakes as vae_fakes
from tests.diffusion.fakes import CHANNELS, LATENT_SHAPE, FakeTextEncoder, latent_store, random_denoiser

from padstal.codecs.bottleneck import Gaussian
from padstal.codecs.clips import CaptionTable, Clips
from padstal.codecs.latents.dataset import LatentDataset
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.diffusion.clips import CaptionStates
from padstal.diffusion.clips import Clips as LatentClips
from padstal.diffusion.objective import denoising_loss
from padstal.training.distributed_shard import WHOLE, DistributedShard
from padstal.training.process_group import ProcessGroup

SHARDS = [DistributedShard(rank, 3) for rank in range(3)]


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def test_shares_are_equal_and_in_order() -> None:
    assert [shard.of(list(range(6))) for shard in SHARDS] == [[0, 1], [2, 3], [4, 5]]
    assert WHOLE.of([1, 2, 3]) == [1, 2, 3]
    with pytest.raises(ValueError, match="7 items for 3 processes or micro-batches: expected a multiple of 3"):
        SHARDS[0].place(7)
    with pytest.raises(ValueError, match="shard 3 of 3"):
        DistributedShard(3, 3)


def test_noise_is_drawn_for_all() -> None:
    whole = torch.randn(6, 4, 5, generator=generator())
    assert torch.equal(torch.cat([shard.randn((2, 4, 5), generator()) for shard in SHARDS]), whole)
    assert torch.equal(WHOLE.randn((6, 4, 5), generator()), whole)
    uniform = torch.rand(6, generator=generator())
    assert torch.equal(torch.cat([shard.rand((2,), generator()) for shard in SHARDS]), uniform)


def test_crops_and_texts_are_those_of_one_process() -> None:
    rows = vae_fakes.rows(8)
    captions = CaptionTable(vae_fakes.FakeTextEncoder(), rows["caption"], precompute=True)
    clips = Clips(rows, vae_fakes.FakeAudio(), captions)  # type: ignore[arg-type]
    asked = {"batch": 6, "crop": 512, "start": 2, "stop": 4, "seed": 1}
    parts = [list(clips.batches(**asked, shard=shard)) for shard in SHARDS]  # type: ignore[arg-type]
    for step, whole in enumerate(clips.batches(**asked)):  # type: ignore[arg-type]
        mine = [part[step] for part in parts]
        assert torch.equal(torch.cat([part.audio_BCS for part in mine]), whole.audio_BCS)
        assert whole.texts is not None
        assert torch.equal(torch.cat([part.texts.ids_BL for part in mine if part.texts]), whole.texts.ids_BL)


def test_latents_and_captions_are_those_of_one_process(tmp_path) -> None:
    store = latent_store(tmp_path)
    states = CaptionStates.encode(store.index["caption"], FakeTextEncoder())
    statistics = LatentStatistics(torch.zeros(CHANNELS), torch.ones(CHANNELS))
    places = {"seconds_start": np.arange(len(store.index), dtype=float), "seconds_total": 18.0}
    seconds = pd.DataFrame(places, index=store.index["clip_id"])
    clips = LatentClips(
        LatentDataset(store, statistics, np.arange(1.0, 25.0)),
        states,
        seconds,
        store.index.set_index("clip_id")["caption"],
    )
    asked = {"batch": 6, "start": 1, "stop": 3, "seed": 1}
    parts = [list(clips.batches(**asked, shard=shard)) for shard in SHARDS]
    for step, whole in enumerate(clips.batches(**asked)):
        mine = [part[step] for part in parts]
        assert torch.equal(torch.cat([part.latent_BD for part in mine]), whole.latent_BD)
        assert torch.equal(torch.cat([part.text.states_BLD for part in mine]), whole.text.states_BLD)
        assert torch.equal(
            torch.cat([part.attributes["seconds_start"] for part in mine]), whole.attributes["seconds_start"]
        )


def test_the_denoising_loss_is_the_mean_of_the_shards() -> None:
    denoiser = random_denoiser()
    x0 = torch.randn(6, *LATENT_SHAPE, generator=generator())
    text = FakeTextEncoder().encode(["jazz", "rock", "folk", "", "slow jazz", "soul"])
    told = denoiser.condition(text, {"seconds_start": torch.arange(6.0), "seconds_total": torch.full((6,), 18.0)})

    def loss(shard: DistributedShard) -> torch.Tensor:
        own = {"dropout": 0.5, "generator": generator(), "shard": shard}
        return denoising_loss(denoiser, shard.of(x0), told.map(shard.of), **own)  # type: ignore[arg-type]

    torch.testing.assert_close(torch.stack([loss(shard) for shard in SHARDS]).mean(), loss(WHOLE))


def test_micro_batches_of_a_shard_make_it_up() -> None:
    items = list(range(12))
    for shard in SHARDS:
        assert [item for part in shard.divided(2) for item in part.of(items)] == shard.of(items)
    with pytest.raises(ValueError, match="6 items for 12 processes or micro-batches: expected a multiple of 12"):
        SHARDS[0].divided(4)[0].place(6)


def test_the_autoencoder_draws_as_one_process_does() -> None:
    torch.manual_seed(0)
    model = vae_fakes.tal_vae()
    rows = pd.Series(["jazz", "rock", "folk", "", "jazz", "soul"])
    texts = CaptionTable(vae_fakes.FakeTextEncoder(), rows, precompute=False)
    audio = torch.randn(6, 1, vae_fakes.FRAMES * vae_fakes.SPECTRAL.ratio, generator=generator()) * 0.1
    whole = model(audio, texts.batch(rows.tolist()).states, generator(), 0.5)
    parts = [
        model(shard.of(audio), texts.batch(shard.of(rows.tolist())).states, generator(), 0.5, shard) for shard in SHARDS
    ]
    torch.testing.assert_close(torch.cat([part.audio_cross for part in parts]), whole.audio_cross)
    torch.testing.assert_close(torch.cat([part.logits_cross for part in parts]), whole.logits_cross)
    posterior = Gaussian(torch.zeros(6, 2, 3), torch.ones(6, 2, 3))
    own = Gaussian(torch.zeros(2, 2, 3), torch.ones(2, 2, 3))
    assert torch.equal(torch.cat([own.sample(generator(), shard) for shard in SHARDS]), posterior.sample(generator()))


def test_a_process_finds_its_shard_in_the_environment() -> None:
    assert ProcessGroup().shard({"LOCAL_RANK": "3"}) == WHOLE  # someone else's variable
    assert ProcessGroup(devices=4).shard({}) == DistributedShard(0, 4)
    assert ProcessGroup(devices=4).shard({"LOCAL_RANK": "3"}) == DistributedShard(3, 4)
    meeting = {"MASTER_ADDR": "first", "MASTER_PORT": "29500", "NODE_RANK": "1"}
    assert ProcessGroup(devices=4, nodes=2).shard({**meeting, "LOCAL_RANK": "2"}) == DistributedShard(6, 8)
    with pytest.raises(ValueError, match=r"runtime\.nodes = 2, but MASTER_ADDR, MASTER_PORT, NODE_RANK is not set"):
        ProcessGroup(nodes=2).shard({})
