"""`encode`: clips to latents, once; their statistics on the training split, and how well held-out ones decode."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from padstal.core.progress import Progress, silent
from padstal.core.protocols import TEXT_GROUP
from padstal.core.section import Section, value

if TYPE_CHECKING:
    import torch

    from padstal.codecs.latents.statistics import LatentStatistics
    from padstal.codecs.latents.store import LatentConfig, LatentStore
    from padstal.core.data.manifest import ClipAudio
    from padstal.core.protocols import Codec, TextEncoder


class EncodeParams(Section):
    """How clips become latent shards."""

    batch_clips: int = value("clips encoded at once", "clips", ge=1)
    reconstructions: int = value("held-out clips whose reconstructions are kept, to be listened to", "clips", ge=1)
    measured_clips: int = value("held-out clips that reconstruction quality is measured on, at most", "clips", ge=1)


def encode_clips(
    folder: Path,
    codec: "Codec",
    dataset: pd.DataFrame,
    audio: "ClipAudio",
    encoder: "TextEncoder | None",
    params: EncodeParams,
    *,
    name: str,
    fingerprint: str,
    device: "torch.device",
    progress: Progress = silent,
) -> dict[str, Any]:
    """Fill `folder` with latents, statistics, reconstructions and what else the codec hears; gives metrics.

    Args:
        folder: Existing.
        codec: Frozen, on `device`.
        dataset: Curated clips, some of them in the training split.
        audio: Where their samples lie.
        encoder: Of their captions; None for a codec that reads no text.
        params: How.
        name: Of the codec.
        fingerprint: SHA-256 of its weights.
        device: Where it is.
        progress: Wraps the batches.
    """
    from padstal.codecs.latents.statistics import measure
    from padstal.codecs.latents.store import LatentConfig, LatentStore, write_store
    from padstal.core.data.row_file import RowFile

    samples = hears(codec, dataset.iloc[:1], audio).shape[-1]
    config = LatentConfig(
        codec=name,
        fingerprint=fingerprint,
        sample_rate=codec.sample_rate,
        channels=codec.channels,
        ratio=codec.ratio,
        samples=samples,
        shape=codec.latent_shape(samples),
        channel_groups=codec.channel_groups,
        clip_rate=audio.form(dataset)[2],
    )
    heard: dict[str, RowFile] = {}

    def posteriors() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        starts = range(0, len(dataset), params.batch_clips)
        for start in progress(starts, total=len(starts), unit="batch"):
            rows = dataset.iloc[start : start + params.batch_clips]
            audio_BCS = hears(codec, rows, audio).to(device)
            mean, std = codec.encode(audio_BCS, encoder.encode(rows["caption"].tolist()) if encoder else None)
            for what, array in codec.probes(audio_BCS).items():
                if what not in heard:
                    shape = (len(dataset), *array.shape[1:])
                    heard[what] = RowFile.create(folder / f"{what}.npy", shape, np.float16)
                heard[what][start : start + len(array)] = array.cpu().numpy()
            yield mean.cpu().numpy(), std.cpu().numpy()

    write_store(folder, dataset[["clip_id", "split", "caption"]], config, posteriors())
    store = LatentStore.open(folder)
    pooled = codec.channel_groups if codec.pools_groups else None
    statistics = measure(_by_batch(store.only("train"), params.batch_clips), pooled)
    statistics.save(folder / "statistics.safetensors")
    quality = _held_out(folder, codec, store, dataset, audio, params, device)
    return {"clips": len(dataset), **_spreads(store, statistics, params.batch_clips), **quality}


def hears(codec: "Codec", rows: pd.DataFrame, audio: "ClipAudio") -> "torch.Tensor":
    """Audio [B, C, S] of clips as the codec takes it: of its channels (one: the mean), at its sample rate."""
    import torch

    from padstal.ingest.resample import resample

    clips_BCS = audio.float_BCS(rows)
    if codec.channels == 1:
        clips_BCS = clips_BCS.mean(axis=1, keepdims=True)
    rate = audio.form(rows)[2]
    clips = [resample(np.ascontiguousarray(clip_CS.T), rate, codec.sample_rate).T for clip_CS in clips_BCS]
    return torch.from_numpy(np.ascontiguousarray(np.stack(clips)))


def held_out_rows(dataset: pd.DataFrame, most: int) -> np.ndarray:
    """Rows of held-out clips: of the test split, else of validation, else of training.

    The first clips of all tracks come before any second one, so that few clips are of many tracks.
    """
    splits = set(dataset["split"])
    split = next(name for name in ("test", "validation", "train") if name in splits)
    held_out = np.flatnonzero(dataset["split"] == split)
    place_in_track = dataset.groupby("track_id").cumcount().to_numpy()[held_out]
    return held_out[np.argsort(place_in_track, kind="stable")][:most]


def _by_batch(store: "LatentStore", batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rows = store.index["row"].to_numpy()
    for start in range(0, len(rows), batch):
        yield store.posterior(rows[start : start + batch])


def _held_out(
    folder: Path,
    codec: "Codec",
    store: "LatentStore",
    dataset: pd.DataFrame,
    audio: "ClipAudio",
    params: EncodeParams,
    device: "torch.device",
) -> dict[str, Any]:
    """Quality of held-out clips decoded from their stored posterior means; keeps some to listen to.

    Of a text-aware latent it keeps them a second time with the text's part of the clip before: what do words change?
    """
    import torch

    from padstal.codecs.reconstruction import Quality, mean_spectrum, quality, spectrum_distance

    def heard(rows: np.ndarray) -> Iterator[tuple[np.ndarray, torch.Tensor]]:
        for start in range(0, len(rows), params.batch_clips):
            items = rows[start : start + params.batch_clips]
            yield items, hears(codec, dataset.iloc[items], audio)

    train = np.flatnonzero(dataset["split"] == "train")[: params.measured_clips]
    guess_M = mean_spectrum((clips for _, clips in heard(train)), codec.sample_rate)
    chosen = held_out_rows(dataset, params.measured_clips)
    parts, guessed = [], []
    kept: list[torch.Tensor] = []

    def decode(mean_BD: np.ndarray) -> torch.Tensor:
        return codec.decode(torch.from_numpy(mean_BD).to(device)).cpu()

    for items, target in heard(chosen):
        output = decode(store.posterior(items)[0])
        parts.append(quality(output, target, codec.sample_rate))
        guessed.append(spectrum_distance(guess_M, target, codec.sample_rate))
        kept.append(output[: params.reconstructions - sum(map(len, kept))])
    clip_ids = dataset["clip_id"].iloc[chosen[: params.reconstructions]].to_numpy()
    _keep(folder, "reconstructions", torch.cat(kept), store.config, {"clip_id": clip_ids})
    if TEXT_GROUP in codec.channel_groups:
        start, stop = codec.channel_groups[TEXT_GROUP]
        mean_KD, _ = store.posterior(chosen[: len(clip_ids)])
        mean_KD[:, start:stop] = np.roll(mean_KD[:, start:stop], 1, axis=0)
        firsts = range(0, len(clip_ids), params.batch_clips)
        swapped = torch.cat([decode(mean_KD[first : first + params.batch_clips]) for first in firsts])
        _keep(folder, "swapped", swapped, store.config, {"clip_id": clip_ids, "text_of": np.roll(clip_ids, 1)})
    guess = float(np.concatenate(guessed).mean())
    return {"split": dataset["split"].iloc[chosen[0]], "mel_l1_mean_spectrum": guess, **Quality.join(parts).summary()}


def _keep(
    folder: Path, name: str, audio_KCS: "torch.Tensor", config: "LatentConfig", columns: dict[str, np.ndarray]
) -> None:
    """Write decoded audio as int16 [K, S, C], and what each row is of."""
    from padstal.codecs.clip_form import in_clip_form
    from padstal.core.data.manifest import write_table

    outputs = in_clip_form(audio_KCS, config).numpy()
    pcm_KSC = np.round(np.clip(outputs, -1, 1) * 32767).astype(np.int16).transpose(0, 2, 1)
    np.save(folder / f"{name}.npy", np.ascontiguousarray(pcm_KSC))
    write_table(pd.DataFrame({**columns, "row": np.arange(len(outputs), dtype=np.int64)}), folder / f"{name}.parquet")


def _spreads(store: "LatentStore", statistics: "LatentStatistics", batch: int) -> dict[str, float]:
    """Spread of each channel group, and how much of it the posterior's own noise is."""
    import torch

    values: dict[str, float] = {}
    square_D = np.zeros(store.config.latent_channels)
    for _, std in _by_batch(store, batch):
        square_D += np.square(std, dtype=np.float64).reshape(*std.shape[:2], -1).mean(axis=2).sum(axis=0)
    for name, (start, stop) in store.config.channel_groups.items():
        spread = statistics.std_D[start:stop].double()
        noise = torch.from_numpy(square_D[start:stop] / len(store.index)).sqrt()
        values[f"std_{name}"] = float(spread.mean())
        values[f"noise_share_{name}"] = float((noise / spread).square().mean())
    return values
