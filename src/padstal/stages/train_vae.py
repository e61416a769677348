"""`train_vae`: the audio-only autoencoder and the text-aware one (PADS-TAL 2.2)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from padstal.codecs.checkpoint import save
from padstal.codecs.clips import CaptionTable, splits_of
from padstal.codecs.config import AudioVaeParams, CodecConfig, CropForm, TalVaeParams, TextForm, TrainVaeParams
from padstal.codecs.held_out import HeldOut, measure_held_out
from padstal.codecs.recipes import recipe_of
from padstal.codecs.task import AutoencoderTask
from padstal.core.data.manifest import ClipAudio, read_table
from padstal.core.model_folder import WEIGHTS
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.stages.training import begin, train_and_write

MEASURED_CLIPS = 32


def main(stage: Stage[TrainVaeParams]) -> None:
    params: AudioVaeParams | TalVaeParams = getattr(stage.params, stage.item)
    paths, device = stage.paths, stage.device()
    group = begin(stage, params.training)
    dataset = read_table(paths.curate / "dataset.parquet")
    inputs, text, captions = [paths.curate / "dataset.parquet"], None, None
    if isinstance(params, TalVaeParams):
        text, captions = _texts(stage, params, dataset["caption"].fillna(""))
        inputs.append(paths.foundation("text_encoder") / WEIGHTS)
    audio = ClipAudio(paths.ingest)
    splits = splits_of(dataset, audio, captions)
    if "train" not in splits:
        raise StageError(f"{paths.curate / 'dataset.parquet'}: no clip in the training split")
    train, held_out = splits["train"], splits.get("validation", splits["train"])

    samples, channels, sample_rate = audio.form(dataset)
    codec: CodecConfig = params.codec
    form = CropForm(sample_rate=sample_rate, channels=channels, frames=params.training.crop_frames, text=text)
    model = codec.build(form)
    discriminator = params.discriminator.network.build(channels=channels, sample_rate=sample_rate)
    recipe = recipe_of(params, channels=channels, sample_rate=sample_rate)

    def heard(model: Any, device: torch.device) -> HeldOut:
        return measure_held_out(codec.freeze(model, form), device, train, held_out, MEASURED_CLIPS, samples)

    def write(folder: Path, average: Any) -> None:
        origin = f"trained on {len(train.rows)} clips of this corpus"
        save(folder, average, codec, form, origin=origin, name=stage.item)

    untrained = heard(model, torch.device("cpu"))
    train_and_write(
        stage,
        params,
        AutoencoderTask(model, discriminator, recipe, train, held_out, params),
        group,
        code=["padstal.codecs.task"],
        inputs=inputs,
        artifact=("curate", paths.curate),
        folder=paths.vae(stage.item),
        save=write,
        tracks=train.rows["sha256"].tolist(),
        measure=lambda average: heard(average, device).metrics(untrained),
    )


def _texts(
    stage: Stage[TrainVaeParams], params: TalVaeParams, captions: Iterable[str]
) -> tuple[TextForm, CaptionTable]:
    from padstal.foundation.text_encoder import load as load_text_encoder  # imports transformers: seconds

    encoder = load_text_encoder(stage.paths.foundation("text_encoder"), stage.device())
    form = TextForm(width=encoder.width, max_length=encoder.max_length, vocabulary=encoder.vocabulary)
    return form, CaptionTable(encoder, captions, precompute=params.precompute_text)


if __name__ == "__main__":
    run_stage("train_vae", TrainVaeParams, main, items="autoencoders")
