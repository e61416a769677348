"""`encode`: all curated clips to latents, their statistics on the training split, and how well they decode."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch

from padstal.codecs.checkpoint import load
from padstal.codecs.encode_config import EncodeParams
from padstal.codecs.latents.statistics import LatentStatistics, measure
from padstal.codecs.latents.store import LatentConfig, LatentStore, write_store
from padstal.codecs.reconstruction import Quality, mean_spectrum_distance, quality
from padstal.codecs.tal_vae import FrozenTalVae
from padstal.core.data.atomic import atomic_folder
from padstal.core.data.content import sha256_file
from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.core.protocols import Codec, TextStates
from padstal.stages.harness import Stage, StageError, run_stage


def main(stage: Stage[EncodeParams]) -> None:
    params, paths, device = stage.params, stage.paths, stage.device()
    stage.seed(0)
    vae = load(paths.vae(stage.item), device)
    dataset = read_table(paths.curate / "dataset.parquet")
    dataset["caption"] = dataset["caption"].fillna("")
    if not (dataset["split"] == "train").any():
        raise StageError(f"{paths.curate / 'dataset.parquet'}: no clip in the training split")
    audio = ClipAudio(paths.ingest)
    texts = _texts(stage, device, vae)
    first = dataset.iloc[0]
    samples = len(audio.pcm(int(first["shard"]), int(first["row"])))
    config = LatentConfig(
        vae=stage.item,
        fingerprint=sha256_file(paths.vae(stage.item) / "model.safetensors"),
        sample_rate=vae.sample_rate,
        channels=vae.channels,
        ratio=vae.ratio,
        shape=vae.latent_shape(samples),
        channel_groups=vae.channel_groups,
    )
    shared: list[np.ndarray] = []

    def posteriors() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        starts = range(0, len(dataset), params.batch_clips)
        for start in stage.progress(starts, total=len(starts), unit="batch"):
            rows = dataset.iloc[start : start + params.batch_clips]
            audio_BCS = torch.from_numpy(audio.float_BCS(rows)).to(device)
            mean, std = vae.encode(audio_BCS, texts(rows))
            if isinstance(vae, FrozenTalVae):
                shared.append(vae.shared_audio(audio_BCS).cpu().numpy().astype(np.float16))
            yield mean.cpu().numpy(), std.cpu().numpy()

    with atomic_folder(paths.latents(stage.item)) as folder:
        write_store(folder, dataset[["clip_id", "split", "caption"]], config, posteriors())
        store = LatentStore.open(folder)
        statistics = measure(_by_batch(store.only("train"), params.batch_clips))
        statistics.save(folder / "statistics.safetensors")
        if shared:
            np.save(folder / "z_m.npy", np.concatenate(shared))
        metrics = _held_out(stage, vae, store, dataset, audio, folder)
    stage.write_metrics({"clips": len(dataset), **_latent_metrics(store, statistics), **metrics})
    guess = metrics["mel_l1_mean_spectrum"]
    stage.say(f"{len(dataset)} clips; held-out mel L1 {metrics['mel_l1']:.3f}, mean spectrum {guess:.3f}")


def _texts(stage: Stage[EncodeParams], device: torch.device, vae: Codec) -> Any:
    """Rows → states of their captions; → None where the autoencoder reads no text."""
    if not isinstance(vae, FrozenTalVae):
        return lambda rows: None
    from padstal.foundation.text_encoder import load as load_text_encoder  # imports transformers: seconds

    encoder = load_text_encoder(stage.paths.foundation("text_encoder"), device)

    def states(rows: pd.DataFrame) -> TextStates:
        return encoder.encode(rows["caption"].tolist())

    return states


def _by_batch(store: LatentStore, batch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rows = store.index["row"].to_numpy()
    for start in range(0, len(rows), batch):
        yield store.posterior(rows[start : start + batch])


def _held_out(
    stage: Stage[EncodeParams],
    vae: Codec,
    store: LatentStore,
    dataset: pd.DataFrame,
    audio: ClipAudio,
    folder: Any,
) -> dict[str, Any]:
    """Quality of held-out clips decoded from their stored posterior means; keeps some to listen to.

    The first clips of all tracks come before any second one, so that few clips are of many tracks.
    """
    splits = set(dataset["split"])
    split = next(name for name in ("test", "validation", "train") if name in splits)
    held_out = np.flatnonzero(dataset["split"] == split)
    place_in_track = dataset.groupby("track_id").cumcount().to_numpy()[held_out]
    chosen = held_out[np.argsort(place_in_track, kind="stable")][: stage.params.measured_clips]
    device = stage.device()
    parts, kept = [], []
    for start in range(0, len(chosen), stage.params.batch_clips):
        items = chosen[start : start + stage.params.batch_clips]
        target = torch.from_numpy(audio.float_BCS(dataset.iloc[items]))
        output = vae.decode(torch.from_numpy(store.posterior(items)[0]).to(device)).cpu()
        parts.append(quality(output, target, vae.sample_rate))
        kept.append(output.numpy())
    outputs = np.concatenate(kept)[: stage.params.reconstructions]
    pcm_KSC = np.round(np.clip(outputs, -1, 1) * 32767).astype(np.int16).transpose(0, 2, 1)
    np.save(folder / "reconstructions.npy", np.ascontiguousarray(pcm_KSC))
    clip_ids = dataset["clip_id"].iloc[chosen[: len(outputs)]].tolist()
    table = pd.DataFrame({"clip_id": clip_ids, "row": np.arange(len(outputs), dtype=np.int64)})
    write_table(table, folder / "reconstructions.parquet")
    train = dataset[dataset["split"] == "train"].iloc[: stage.params.measured_clips]
    guess = mean_spectrum_distance(
        torch.from_numpy(audio.float_BCS(train)),
        torch.from_numpy(audio.float_BCS(dataset.iloc[chosen])),
        vae.sample_rate,
    )
    return {"split": split, "mel_l1_mean_spectrum": guess, **Quality.join(parts).summary()}


def _latent_metrics(store: LatentStore, statistics: LatentStatistics) -> dict[str, float]:
    """Spread of each channel group, and how much of it the posterior's own noise is."""
    values: dict[str, float] = {}
    _, std = store.posterior(store.index["row"].to_numpy())
    others = (0, *range(2, std.ndim))
    for name, (start, stop) in store.config.channel_groups.items():
        spread = statistics.std_D[start:stop].double()
        noise = torch.from_numpy(np.square(std[:, start:stop], dtype=np.float64).mean(axis=others)).sqrt()
        values[f"std_{name}"] = float(spread.mean())
        values[f"noise_share_{name}"] = float((noise / spread).square().mean())
    return values


if __name__ == "__main__":
    run_stage("encode", EncodeParams, main, items="codecs")
