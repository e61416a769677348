"""`train_vae`: the audio-only autoencoder and the text-aware one (PADS-TAL 2.2)."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from padstal.codecs.audio_vae import AudioVae
from padstal.codecs.build import audio_form, discriminator, tal_config
from padstal.codecs.checkpoint import AudioForm, load, save
from padstal.codecs.clips import CaptionTable, Clips
from padstal.codecs.config import AudioVaeParams, TalVaeParams, TrainVaeParams
from padstal.codecs.held_out import HeldOut, measure_held_out
from padstal.codecs.learning_rate import LearningRate
from padstal.codecs.mrstft import MultiResolutionStft
from padstal.codecs.objective import AudioWeights, TalWeights
from padstal.codecs.recipes import AudioRecipe, Recipe, TalRecipe
from padstal.codecs.tal_vae import TalConfig, TalVae
from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.data.content import address, sha256_file
from padstal.core.data.manifest import ClipAudio, read_table
from padstal.core.data.track_ledger import write_ledger
from padstal.core.protocols import TextEncoder
from padstal.operations.tracking.run import track
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.training.process_group import ProcessGroup

MEASURED_CLIPS = 32


def main(stage: Stage[TrainVaeParams]) -> None:
    from padstal.codecs.training import Plan, train  # imports lightning: seconds

    params: AudioVaeParams | TalVaeParams = getattr(stage.params, stage.item)
    paths, device = stage.paths, stage.device()
    group = _processes(stage, params.training.batch)
    stage.seed(params.training.seed)
    # torch fills fresh memory with NaN in deterministic mode, which costs time and finds nothing here
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]

    dataset = read_table(paths.curate / "dataset.parquet")
    splits = {split: rows.reset_index(drop=True) for split, rows in dataset.groupby("split", sort=True)}
    if "train" not in splits:
        raise StageError(f"{paths.curate / 'dataset.parquet'}: no clip in the training split")
    audio = ClipAudio(paths.ingest)
    first = splits["train"].iloc[0]
    samples, channels = audio.pcm(int(first["shard"]), int(first["row"])).shape
    sample_rate = round(samples / float(first["clip_seconds"]))

    encoder = _text_encoder(stage, device) if isinstance(params, TalVaeParams) else None
    model, form, recipe = _model(params, encoder, channels, sample_rate)
    ratio = form.backbone.ratio if isinstance(form, AudioForm) else form.private.ratio
    captions = None
    if isinstance(params, TalVaeParams) and encoder is not None:
        texts = dataset["caption"].fillna("").tolist()
        captions = CaptionTable(encoder, texts, precompute=params.precompute_text)
    clips = {split: Clips(rows, audio, captions) for split, rows in splits.items()}
    held_out = clips.get("validation", clips["train"])

    about = params.model_dump()
    training = params.training.model_dump()
    rate = LearningRate(**{name: training.pop(name) for name in ("schedule", "warmup_steps", "inverse_scale_steps")})
    lengths = {"crop": training.pop("crop_frames") * ratio, "judged": training.pop("judged_frames") * ratio}
    plan = Plan(**lengths, rate=rate, **training)
    key = address(repr((about, _inputs(stage), _code())).encode())
    untrained = measure_held_out(model, clips["train"], held_out, MEASURED_CLIPS, samples, sample_rate)
    with track(
        stage.label,
        about,
        mode=stage.tracking.mode if stage.leads else "disabled",
        project=stage.tracking.project,
        entity=stage.tracking.entity,
        folder=paths.root / "wandb",
    ) as record:
        record.input_artifact("curate", paths.curate)
        trained = train(
            model,
            discriminator(params.discriminator.model_dump(), channels=channels, sample_rate=sample_rate),
            recipe,
            clips["train"],
            held_out,
            plan,
            device=device,
            state_folder=paths.state(stage.name, stage.item) / key,
            group=group,
            progress=lambda steps: stage.progress(steps, unit="step"),
            log=record.log,
        )
        if not stage.leads:
            return
        curves = pd.DataFrame(trained.curves)
        origin = f"trained on {len(splits['train'])} clips of this corpus"
        with atomic_folder(paths.vae(stage.item)) as folder:
            save(folder, trained.model, form, sample_rate=sample_rate, origin=origin, name=stage.item)
            write_ledger(paths.ledger(stage.name, stage.item), folder, splits["train"]["sha256"])
        with atomic_file(paths.curves(stage.name, stage.item)) as file:
            curves.to_csv(file, index=False, float_format="%.6g")
        record.output_artifact(stage.item, paths.vae(stage.item))
    load(paths.vae(stage.item), "cpu")  # what was written can be read
    after = measure_held_out(trained.model, clips["train"], held_out, MEASURED_CLIPS, samples, sample_rate)
    last = curves.ffill().iloc[-1].drop("step").to_dict()
    parameters = sum(weight.numel() for weight in trained.model.parameters())
    stage.write_metrics(
        {
            "steps": plan.steps,
            "clips": len(splits["train"]),
            "parameters": parameters,
            **last,
            **_compared(untrained, after),
        }
    )
    shutil.rmtree(paths.state(stage.name, stage.item), ignore_errors=True)
    stage.say(
        f"held-out mel L1 {after.mel_l1:.3f} (untrained {untrained.mel_l1:.3f}, mean spectrum {after.baseline:.3f})"
    )


def _processes(stage: Stage[TrainVaeParams], batch: int) -> ProcessGroup:
    """The processes that train together, if they can share the batch."""
    runtime = stage.runtime
    group = ProcessGroup(runtime.devices, runtime.nodes, runtime.strategy)
    try:
        group.shard().place(batch)
    except ValueError as error:
        raise StageError(f"runtime.devices = {runtime.devices}, runtime.nodes = {runtime.nodes}: {error}") from None
    return group


def _text_encoder(stage: Stage[TrainVaeParams], device: torch.device) -> TextEncoder:
    from padstal.foundation.text_encoder import load as load_text_encoder  # imports transformers: seconds

    return load_text_encoder(stage.paths.foundation("text_encoder"), device)


def _model(
    params: AudioVaeParams | TalVaeParams, encoder: TextEncoder | None, channels: int, sample_rate: int
) -> tuple[nn.Module, AudioForm | TalConfig, Recipe]:
    """The fresh model, its form and what one step of it computes."""
    stft = MultiResolutionStft(**params.mrstft.model_dump(), channels=channels, sample_rate=sample_rate)
    if isinstance(params, AudioVaeParams):
        form = audio_form(params.backbone.model_dump(), channels=channels, latent_channels=params.latent_channels)
        weights = AudioWeights(**params.weights.model_dump())
        return AudioVae(form.backbone, form.latent_channels), form, AudioRecipe(stft, weights)
    assert encoder is not None
    names = [
        "shared_width",
        "private_channels",
        "shared_channels",
        "initial_std",
        "z_layout",
        "pool_width",
        "text_width",
        "text_heads",
        "text_feedforward",
    ]
    config = tal_config(
        params.backbone.model_dump(),
        channels=channels,
        frames=params.training.crop_frames,
        encoder=encoder,
        **{name: getattr(params, name) for name in names},
    )
    return TalVae(config), config, TalRecipe(stft, TalWeights(**params.weights.model_dump()), params.private_dropout)


def _inputs(stage: Stage[TrainVaeParams]) -> list[str]:
    """Content of what the training reads; a checkpoint is taken up only by a run on the same."""
    text = stage.paths.foundation("text_encoder") / "model.safetensors"
    files = [stage.paths.curate / "dataset.parquet", *([text] if stage.item == "tal" else [])]
    return [sha256_file(file) for file in files]


def _code() -> list[str]:
    """Content of the code that trains."""
    import padstal.codecs

    return [sha256_file(file) for file in sorted(Path(str(padstal.codecs.__file__)).parent.glob("*.py"))]


def _compared(untrained: HeldOut, after: HeldOut) -> dict[str, Any]:
    return {
        "held_out_n": after.n,
        "held_out_mel_l1": after.mel_l1,
        "held_out_mel_l1_untrained": untrained.mel_l1,
        "held_out_mel_l1_mean_spectrum": after.baseline,
    }


if __name__ == "__main__":
    run_stage("train_vae", TrainVaeParams, main, items=("audio", "tal"))
