"""Stage `prepare`: one foundation model a role, trained on a draw of the composer or fetched, checked and converted."""

from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padstal.core.data.atomic import atomic_folder
from padstal.demo.config import (
    ComposedCaptioner,
    Files,
    Fit,
    PrepareParams,
    PublishedCaptioner,
    PublishedClap,
    PublishedPmos,
    PublishedTextEncoder,
    TrainedClap,
    TrainedPmos,
    TrainedTagger,
    TrainedTextEncoder,
)
from padstal.demo.fit import Schedule
from padstal.foundation.fetch import FetchError, Published
from padstal.foundation.store import UntrustedFileError, save
from padstal.stages.harness import Stage, StageError, run_stage

if TYPE_CHECKING:
    from padstal.demo.draw import LabelledClips

Metrics = dict[str, Any]
ROLES = ("clap", "pmos", "captioner", "tagger", "text_encoder")


def main(stage: Stage[PrepareParams]) -> None:
    """Fill `models/<scale>/foundation/<role>` and say how good the model is on clips that it did not see."""
    section = getattr(stage.params, stage.item)
    prepare: Any = {
        "clap": _clap,
        "pmos": _pmos,
        "captioner": _captioner,
        "tagger": _tagger,
        "text_encoder": _text_encoder,
    }[stage.item]
    try:
        with atomic_folder(stage.paths.foundation(stage.item)) as folder:
            metrics = prepare(stage, section, folder)
    except (FetchError, UntrustedFileError) as error:
        raise StageError(f"{error}") from error
    stage.write_metrics({"role": stage.item, "kind": section.kind, **metrics})


def _clap(stage: Stage[PrepareParams], section: TrainedClap | PublishedClap, folder: Path) -> Metrics:
    from padstal.demo import held_out as heldout
    from padstal.demo import lessons
    from padstal.foundation import clap, laion

    if isinstance(section, PublishedClap):
        laion.convert(_published(section.weights), _published(section.tokenizer), folder)
        published = laion.load(folder, stage.device())
        return {"window_seconds": published.window_seconds, "sample_rate": published.sample_rate}
    clips, test = _draw(stage, section.clips)
    shape = clap.Shape(**{field.name: getattr(section, field.name) for field in fields(clap.Shape)})
    model, config, losses = clap.train(
        clips.audio_BS, lessons.fresh_captions(clips), shape, _schedule(section.fit), **_how(stage)
    )
    save(folder, model.model, config | _origin(stage, section.clips))
    return _progress_of(losses) | heldout.clap_report(clap.load(folder, stage.device()), test)


def _pmos(stage: Stage[PrepareParams], section: TrainedPmos | PublishedPmos, folder: Path) -> Metrics:
    from padstal.demo import held_out as heldout
    from padstal.foundation import pmos, wav2vec2

    if isinstance(section, PublishedPmos):
        wav2vec2.convert(_published(section.weights), folder)
        return {"members": len(section.weights.sha256), "sample_rate": pmos.load(folder, stage.device()).sample_rate}
    clips, test = _draw(stage, section.clips)
    shape = pmos.Shape(section.bands, section.width, section.dropout)
    model, config, losses = pmos.train(clips.audio_BS, clips.mos_B, shape, _schedule(section.fit), **_how(stage))
    save(folder, model.model, config | _origin(stage, section.clips))
    return _progress_of(losses) | heldout.pmos_report(pmos.load(folder, stage.device()), test)


def _captioner(stage: Stage[PrepareParams], section: ComposedCaptioner | PublishedCaptioner, folder: Path) -> Metrics:
    from padstal.foundation import captioner, lp_music_caps

    if isinstance(section, ComposedCaptioner):
        captioner.compose(folder)
        return {}
    lp_music_caps.convert(_published(section.weights), _published(section.tokenizer), section.licence, folder)
    published = lp_music_caps.load(folder, stage.device())
    return {"sample_rate": published.sample_rate, "licence": published.licence}


def _tagger(stage: Stage[PrepareParams], section: TrainedTagger, folder: Path) -> Metrics:
    from padstal.demo import held_out as heldout
    from padstal.demo import lessons
    from padstal.foundation import tagger

    clips, test = _draw(stage, section.clips)
    shape = tagger.Shape(section.bands, section.width, section.depth, section.features)
    model, config, losses = tagger.train(
        clips.audio_BS, lessons.labels(clips), lessons.VOCABULARY, shape, _schedule(section.fit), **_how(stage)
    )
    save(folder, model.model, config | _origin(stage, section.clips))
    return _progress_of(losses) | heldout.tagger_report(tagger.load(folder, stage.device()), test)


def _text_encoder(
    stage: Stage[PrepareParams], section: TrainedTextEncoder | PublishedTextEncoder, folder: Path
) -> Metrics:
    from padstal.demo import lessons
    from padstal.foundation import text_encoder

    if isinstance(section, PublishedTextEncoder):
        text_encoder.convert(_published(section.weights), _published(section.tokenizer), section.max_length, folder)
        encoder = text_encoder.load(folder, stage.device())
        return {"vocabulary": encoder.vocabulary, "width": encoder.width}
    texts = lessons.captions(section.captions + section.held_out_captions, stage.params.draw.seed)
    shape = text_encoder.Shape(**{field.name: getattr(section, field.name) for field in fields(text_encoder.Shape)})
    trained, config, losses = text_encoder.train(
        texts[: section.captions],
        texts[section.captions :],
        shape,
        _schedule(section.fit),
        device=stage.device(),
        progress=partial(stage.progress, unit="step"),
    )
    origin = f"trained on {section.captions} captions of the composer, seed {stage.params.draw.seed}"
    save(folder, trained.model, config | {"origin": origin})
    return _progress_of(losses) | {"held_out_loss": trained.held_out_loss, "held_out_chance": trained.chance}


def _draw(stage: Stage[PrepareParams], count: int) -> tuple["LabelledClips", "LabelledClips"]:
    """`count` clips to learn from, and those to test on."""
    from padstal.demo.draw import labelled_clips
    from padstal.demo.lessons import split

    draw = stage.params.draw
    clips = labelled_clips(
        count + draw.held_out,
        seed=draw.seed,
        clip_seconds=draw.clip_seconds,
        sample_rate=draw.sample_rate,
        degraded_share=draw.degraded_share,
        workers=stage.runtime.workers,
        progress=lambda items: stage.progress(items, total=count + draw.held_out, unit="clip"),
    )
    return split(clips, draw.held_out)


def _how(stage: Stage[PrepareParams]) -> dict[str, Any]:
    return {
        "sample_rate": stage.params.draw.sample_rate,
        "device": stage.device(),
        "progress": partial(stage.progress, unit="step"),
    }


def _origin(stage: Stage[PrepareParams], count: int) -> dict[str, str]:
    return {"origin": f"trained on the composer's draw: {count} clips, seed {stage.params.draw.seed}"}


def _schedule(fit: Fit) -> Schedule:
    return Schedule(steps=fit.steps, batch=fit.batch, learning_rate=fit.learning_rate, seed=fit.seed)


def _published(files: Files) -> Published:
    return Published(files.repository, files.revision, files.sha256)


def _progress_of(losses: list[float]) -> Metrics:
    last = losses[-max(1, len(losses) // 10) :]
    return {"steps": len(losses), "loss_first": losses[0], "loss_last": sum(last) / len(last)}


if __name__ == "__main__":
    run_stage("prepare", PrepareParams, main, items=ROLES)
