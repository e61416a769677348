"""`train_diffusion`: a denoiser of latents, conditioned on text and timing (PADS-TAL 2.3)."""

from pathlib import Path

import pandas as pd

from padstal.codecs.latents.statistics import LatentStatistics
from padstal.codecs.latents.store import LatentStore
from padstal.core.code_version import code_version
from padstal.core.data.manifest import read_table
from padstal.core.model_folder import WEIGHTS, fingerprint
from padstal.core.params import check, read_yaml
from padstal.core.protocols import TextEncoder
from padstal.diffusion.checkpoint import STATISTICS, DenoiserConfig, save
from padstal.diffusion.clips import CaptionStates, Clips, StaleCaptionsError, levels_of, splits_of, with_latents
from padstal.diffusion.config import DenoiserParams, DenoiserPlace, TrainDiffusionParams
from padstal.diffusion.task import DenoiserTask
from padstal.foundation.text_encoder import load as load_text_encoder
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.stages.training import begin, train_and_write


def main(stage: Stage[TrainDiffusionParams]) -> None:
    params: DenoiserParams = getattr(stage.params, stage.item)
    group = begin(stage, params.training)
    place = _place(stage)
    latents, text_encoder = stage.paths.latents(place.codec), stage.paths.foundation(place.text)
    statistics_file = _statistics_file(latents, params)
    statistics = LatentStatistics.load(statistics_file)
    encoder = load_text_encoder(text_encoder, stage.device())
    encoded_by = fingerprint(text_encoder)
    store, dataset, splits = _clips(stage, latents, statistics, encoder, encoded_by, params)
    train = dataset[dataset["split"] == "train"]
    config = DenoiserConfig(
        name=stage.item,
        origin=f"trained on {len(train)} clips of this corpus",
        form=params.form,
        text_width=encoder.width,
        text_positions=encoder.max_length,
        text_fingerprint=encoded_by,
        latents=store.config.cropped(params.crop_frames),
        seconds_total=float(train["track_seconds"].median()),
        levels=levels_of(train, prefix=params.quality_prefix) if params.told_quality else {},
    )
    train_and_write(
        stage,
        params,
        DenoiserTask(config.build(), splits["train"], splits.get("validation"), params),
        group,
        code=["padstal.diffusion.task"],
        inputs=[
            *(latents / name for name in ("latents.npy", "index.parquet")),
            statistics_file,
            stage.paths.curate / "dataset.parquet",
            text_encoder / WEIGHTS,
        ],
        artifact=(f"latents-{store.config.codec}", latents),
        folder=stage.paths.diffusion(place.folder),
        save=lambda folder, average: save(folder, average, statistics, config),
        tracks=train["sha256"].tolist(),
        measure=lambda average: {"codec": store.config.codec},
    )


def _place(stage: Stage[TrainDiffusionParams]) -> DenoiserPlace:
    """Where it belongs; not all of what runs is read: an edit of a sampler is no reason to train again."""
    places = read_yaml(stage.paths.params)["denoisers"]
    return check(DenoiserPlace, places[stage.item], f"denoisers.{stage.item}")


def _statistics_file(latents: Path, params: DenoiserParams) -> Path:
    """Those of the latents; a training that begins from a denoiser of such latents goes on with that one's."""
    own = latents / STATISTICS
    begun = Path(params.training.init_from) / STATISTICS if params.training.init_from else own
    if begun.is_file() and len(LatentStatistics.load(begun).mean_D) == len(LatentStatistics.load(own).mean_D):
        return begun
    return own


def _clips(
    stage: Stage[TrainDiffusionParams],
    latents: Path,
    statistics: LatentStatistics,
    encoder: TextEncoder,
    encoded_by: str,
    params: DenoiserParams,
) -> tuple[LatentStore, pd.DataFrame, dict[str, Clips]]:
    """Latents, their rows of the curated data set, and the clips of both splits."""
    store = LatentStore.open(latents)
    try:
        clips = read_table(stage.paths.curate / "dataset.parquet")
        dataset = with_latents(clips, store, captions=params.captions, prefix=params.quality_prefix)
    except StaleCaptionsError as error:
        raise StageError(f"{error}; run the stage encode") from None
    code = code_version("padstal.foundation.text_encoder", libraries=("torch", "transformers"))
    state = stage.paths.state(stage.name, stage.item)
    states = CaptionStates.kept(state, dataset["text"], encoder, f"{encoded_by} {code}", stage.progress)
    splits = splits_of(dataset, store, statistics, states, params.crop_frames)
    if "train" not in splits:
        raise StageError(f"{latents}: no clip in the training split")
    return store, dataset, splits


if __name__ == "__main__":
    run_stage("train_diffusion", TrainDiffusionParams, main, items="denoisers")
