"""`train_diffusion`: a denoiser of latents, conditioned on text and timing (PADS-TAL 2.3)."""

from pathlib import Path
from typing import Any

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore
from padstal.core.data.manifest import read_table
from padstal.core.params import check, read_yaml
from padstal.diffusion.checkpoint import DenoiserConfig, fingerprint, save
from padstal.diffusion.clips import CaptionStates, StaleCaptionsError, splits_of, with_latents
from padstal.diffusion.config import DenoiserParams, DenoiserPlace, TrainDiffusionParams
from padstal.diffusion.denoiser import Denoiser
from padstal.diffusion.task import DenoiserTask
from padstal.foundation.text_encoder import load as load_text_encoder
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.stages.training import begin, train_and_write


def main(stage: Stage[TrainDiffusionParams]) -> None:
    params: DenoiserParams = getattr(stage.params, stage.item)
    paths, at = stage.paths, f"denoisers.{stage.item}"
    # not all of what runs is read: an edit of a sampler is no reason to train again
    codec = check(DenoiserPlace, read_yaml(paths.params)["denoisers"][stage.item], at).codec
    group = begin(stage, params.training)
    latents, text_encoder = paths.latents(codec), paths.foundation("text_encoder")
    store = LatentStore.open(latents)
    statistics = LatentStatistics.load(latents / "statistics.safetensors")
    try:
        dataset = with_latents(read_table(paths.curate / "dataset.parquet"), store)
    except StaleCaptionsError as error:
        raise StageError(f"{error}; run the stage encode") from None
    encoder = load_text_encoder(text_encoder, stage.device())
    states = CaptionStates.encode(stage.progress(dataset["caption"].tolist(), unit="caption"), encoder)
    splits = splits_of(dataset, store, statistics, states)
    if "train" not in splits:
        raise StageError(f"{latents}: no clip in the training split")
    train_rows = dataset[dataset["split"] == "train"]
    config = DenoiserConfig(
        name=stage.item,
        origin=f"trained on {len(train_rows)} clips of this corpus",
        form=params.form,
        text_width=encoder.width,
        codec=codec,
        codec_fingerprint=store.config.fingerprint,
        text_fingerprint=fingerprint(text_encoder),
        text_positions=encoder.max_length,
        latent_shape=store.config.shape,
        ratio=store.config.ratio,
        sample_rate=store.config.sample_rate,
        channels=store.config.channels,
        channel_groups=store.config.channel_groups,
        seconds_total=float(train_rows["track_seconds"].median()),
    )
    denoiser = Denoiser(config.form, config.latent_shape, config.text_width)

    def write(folder: Path, average: Denoiser) -> None:
        save(folder, average, statistics, config)

    def measure(average: Any) -> dict[str, Any]:
        return {"codec": codec}

    train_and_write(
        stage,
        params,
        DenoiserTask(denoiser, splits["train"], splits.get("validation"), params),
        group,
        code=["padstal.diffusion.task"],
        inputs=[
            *(latents / name for name in ("latents.npy", "index.parquet", "statistics.safetensors")),
            paths.curate / "dataset.parquet",
            text_encoder / "model.safetensors",
        ],
        artifact=(f"latents-{codec}", latents),
        folder=paths.diffusion(stage.item),
        save=write,
        tracks=train_rows["sha256"].tolist(),
        measure=measure,
    )


if __name__ == "__main__":
    run_stage("train_diffusion", TrainDiffusionParams, main, items="denoisers")
