"""`caption`: keep, replace or merge captions by what CLAP hears (QA-MDT 4.3), and keep the decision."""

import shutil
from dataclasses import asdict

import numpy as np

from padstal.core.data.atomic import atomic_folder
from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.curation.captions.answers import Answers
from padstal.curation.captions.config import CaptionParams
from padstal.curation.captions.endpoint import EndpointError
from padstal.curation.captions.mergers import merger_of, merging_key
from padstal.curation.captions.refinement import hear, refine_captions, warnings
from padstal.evaluation.caption_effect import effects
from padstal.foundation.fetch import FetchError
from padstal.stages.harness import Stage, run_stage, stage_errors


def main(stage: Stage[CaptionParams]) -> None:
    """Caption every clip, compare, decide, and keep the audio embeddings for `curate`."""
    from padstal.foundation import captioner, clap, tagger

    params, paths, device, progress = stage.params, stage.paths, stage.device(), stage.progress
    state, trained = paths.state("caption"), paths.foundation("tagger")
    with stage_errors(EndpointError, doing="merging captions"):
        key = merging_key(params)  # before hours of listening
    manifest, answers = read_table(paths.ingest / "manifest.parquet"), Answers(paths.merges, state / "merges.jsonl")
    hearing, words = captioner.load(paths.foundation("captioner"), trained, device), tagger.load(trained, device)
    embedder = clap.load(paths.foundation("clap"), device)
    audio_ND, generated = hear(
        ClipAudio(paths.ingest), manifest, embedder, hearing, batch_clips=params.batch_clips, progress=progress
    )
    merge = merger_of(params, words, answers, key=key, folder=state / "merger", device=device, progress=progress)
    with stage_errors(EndpointError, FetchError, doing="merging captions"):
        found = refine_captions(manifest, audio_ND, generated, embedder, params, merge, licence=hearing.licence)
    with atomic_folder(paths.caption) as folder:
        write_table(found.table, folder / "captions.parquet")
        np.save(folder / "audio_embeddings.npy", audio_ND)
    effect = effects(found.table.assign(track_id=manifest["track_id"]))
    metrics = found.metrics(params)
    stage.write_metrics({**metrics, "clap_score": {name: asdict(score) for name, score in effect.items()}})
    for warning in warnings(metrics):
        stage.say(f"warning: {warning}")
    if new := answers.save():
        record = paths.merges.relative_to(paths.root)
        stage.say(f"{new} new answers in {record}: `git add` (or `dvc add`) it, so that others get equal bytes")
    shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    run_stage("caption", CaptionParams, main)
