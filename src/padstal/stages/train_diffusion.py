"""`train_diffusion`: a denoiser of latents, conditioned on text and timing (PADS-TAL 2.3)."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import padstal.diffusion
from padstal.codecs.latents.dataset import LatentDataset
from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore
from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.data.content import address, sha256_file
from padstal.core.data.manifest import read_table
from padstal.core.data.track_ledger import write_ledger
from padstal.core.paths import Paths
from padstal.diffusion.checkpoint import DenoiserConfig, fingerprint, save
from padstal.diffusion.clips import CaptionStates, Clips
from padstal.diffusion.config import DenoiserParams, TrainDiffusionParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.form import DenoiserForm
from padstal.foundation.text_encoder import load as load_text_encoder
from padstal.operations.tracking.run import track
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.systems.config import runs_in
from padstal.training.process_group import ProcessGroup


def main(stage: Stage[TrainDiffusionParams]) -> None:
    from padstal.diffusion.training import Plan, train  # imports lightning: seconds

    params: DenoiserParams = getattr(stage.params, stage.item)
    paths, device = stage.paths, stage.device()
    processes = _processes(stage, params.batch)
    stage.seed(params.seed)
    # torch fills fresh memory with NaN in deterministic mode, which costs time and finds nothing here
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    codec = runs_in(paths.params).denoisers[stage.item].codec
    latents_folder = paths.latents(codec)
    store = LatentStore.open(latents_folder)
    statistics = LatentStatistics.load(latents_folder / "statistics.safetensors")
    dataset = _dataset(paths, store)
    encoder = load_text_encoder(paths.foundation("text_encoder"), device)
    states = CaptionStates.encode(stage.progress(dataset["caption"].tolist(), unit="caption"), encoder)
    seconds = {
        clip_id: (float(offset), float(total))
        for clip_id, offset, total in dataset[["clip_id", "offset_seconds", "track_seconds"]].itertuples(index=False)
    }
    weights = dataset.set_index("clip_id")["weight"] if "weight" in dataset else None
    splits = {
        split: Clips(_latents(store.only(split), statistics, weights), states, seconds)
        for split in ("train", "validation")
        if split in set(store.index["split"])
    }
    if "train" not in splits:
        raise StageError(f"{latents_folder}: no clip in the training split")

    backbone = {name: getattr(params, name) for name in ("width", "depth", "heads", "cross_heads", "feed_forward")}
    form = DenoiserForm.model_validate(
        {
            "conditioner": {"kind": "text_timing"},
            "backbone": {"kind": "dit", **backbone},
            "schedule": {"kind": "cosine"},
            "prediction": {"kind": "v"},
        }
    )
    latent_shape = (store.config.latent_channels, store.config.frames)
    about = params.model_dump()
    sizes = ("width", "depth", "heads", "cross_heads", "feed_forward")
    plan = Plan(**{name: value for name, value in about.items() if name not in sizes})
    config = DenoiserConfig(
        name=stage.item,
        origin=f"trained on {len(splits['train'].latents)} clips of this corpus",
        form=form,
        text_width=encoder.width,
        codec=codec,
        codec_fingerprint=store.config.fingerprint,
        text_fingerprint=fingerprint(paths.foundation("text_encoder")),
        text_positions=encoder.max_length,
        latent_shape=latent_shape,
        ratio=store.config.ratio,
        sample_rate=store.config.sample_rate,
        channels=store.config.channels,
        channel_groups=store.config.channel_groups,
        seconds_total=float(dataset.loc[dataset["split"] == "train", "track_seconds"].median()),
    )
    # a checkpoint is taken up again only by a run of the same code with the same params on the same inputs
    inputs = [sha256_file(latents_folder / name) for name in ("latents.npy", "index.parquet")]
    drawn = splits["train"].latents.weight_N
    key = address(repr((about, config, inputs, _code())).encode() + (b"" if drawn is None else drawn.tobytes()))
    state_folder = paths.state(stage.name, stage.item) / key
    with track(
        stage.label,
        about,
        mode=stage.tracking.mode if stage.leads else "disabled",
        project=stage.tracking.project,
        entity=stage.tracking.entity,
        folder=paths.root / "wandb",
    ) as record:
        record.input_artifact(f"latents-{codec}", latents_folder)
        trained = train(
            Denoiser(form, latent_shape, encoder.width),
            splits["train"],
            splits.get("validation"),
            plan,
            device=device,
            state_folder=state_folder,
            processes=processes,
            progress=lambda steps: stage.progress(steps, unit="step"),
            log=record.log,
        )
        if not stage.leads:
            return
        curves = pd.DataFrame(trained.curves)
        with atomic_folder(paths.diffusion(stage.item)) as folder:
            save(folder, trained.denoiser, statistics, config)
            trained_on = dataset["clip_id"].isin(splits["train"].latents.clip_ids)
            write_ledger(paths.ledger(stage.name, stage.item), folder, dataset.loc[trained_on, "sha256"])
        with atomic_file(paths.curves(stage.name, stage.item)) as file:
            curves.to_csv(file, index=False, float_format="%.6g")
        record.output_artifact(stage.item, paths.diffusion(stage.item))
    last = curves.iloc[-1].drop("step").to_dict()
    parameters = sum(weight.numel() for weight in trained.denoiser.parameters())
    stage.write_metrics(
        {
            "steps": plan.steps,
            "clips": len(splits["train"].latents),
            "parameters": parameters,
            "codec": codec,
            **last,
        }
    )
    shutil.rmtree(paths.state(stage.name, stage.item), ignore_errors=True)
    stage.say(f"{parameters / 1e6:.1f} M parameters, loss {last['loss']:.3f} after {plan.steps} steps")


def _processes(stage: Stage[TrainDiffusionParams], batch: int) -> ProcessGroup:
    """The processes that train together, if they can share the batch."""
    runtime = stage.runtime
    processes = ProcessGroup(runtime.devices, runtime.nodes, runtime.strategy)
    try:
        processes.share().place(batch)
    except ValueError as error:
        raise StageError(f"runtime.devices = {runtime.devices}, runtime.nodes = {runtime.nodes}: {error}") from None
    return processes


def _latents(store: LatentStore, statistics: LatentStatistics, weights: pd.Series | None) -> LatentDataset:
    """The latents of one split, with the weights that curation gave their clips."""
    weight_N = None if weights is None else weights.loc[store.index["clip_id"]].to_numpy(np.float64)
    return LatentDataset(store, statistics, weight_N)


def _code() -> list[str]:
    """Content of the code that trains."""
    return [sha256_file(file) for file in sorted(Path(padstal.diffusion.__file__ or "").parent.glob("*.py"))]


def _dataset(paths: Paths, store: LatentStore) -> pd.DataFrame:
    """The curated clips that have latents; captions must be those the latents were made with (z_p encodes them)."""
    dataset = read_table(paths.curate / "dataset.parquet")
    both = store.index.merge(dataset, on="clip_id", how="left", suffixes=("_latent", ""))
    stale = both[both["caption"].fillna("") != both["caption_latent"].fillna("")]
    if len(stale):
        raise StageError(
            f"{len(stale)} clips have another caption than their latents were made with, "
            f"e.g. {', '.join(stale['clip_id'].head(3))}; run the stage encode"
        )
    return both.assign(caption=both["caption"].fillna(""))


if __name__ == "__main__":
    run_stage("train_diffusion", TrainDiffusionParams, main, items="denoisers")
