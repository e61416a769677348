"""`score`: p-MOS of every clip; its quality level and prefix by μ and σ of the training split (QA-MDT 4.1)."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from padstal.core.data.atomic import atomic_folder, write_json
from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.curation.config import ScoreParams
from padstal.curation.levels import grade
from padstal.curation.listening import batches
from padstal.stages.harness import Stage, run_stage, stage_errors


def main(stage: Stage[ScoreParams]) -> None:
    """Score all clips in batches, fit on train alone, write `scores.parquet` and `distribution.json`."""
    from padstal.foundation import pmos

    params, paths = stage.params, stage.paths
    manifest = read_table(paths.ingest / "manifest.parquet")
    scorer = pmos.load(paths.foundation("pmos"), stage.device())
    heard = batches(
        ClipAudio(paths.ingest),
        manifest,
        scorer.sample_rate,
        batch_clips=params.batch_clips,
        progress=stage.progress,
    )
    score_N = np.concatenate([scorer.score(audio_BS) for [audio_BS] in heard])
    with stage_errors(ValueError, doing="train split"):
        graded = grade(score_N, (manifest["split"] == "train").to_numpy(), params)
    scores = pd.DataFrame(
        {
            "clip_id": manifest["clip_id"],
            "pmos": score_N.astype(np.float32),
            "quality_level": graded.level_N,
            "prefix": graded.prefix,
        }
    )
    with atomic_folder(paths.score) as folder:
        write_table(scores, folder / "scores.parquet")
        how = {"quantiser": params.quantiser, "gap_policy": params.gap_policy}
        write_json(folder / "distribution.json", {**asdict(graded.distribution), **how})
    stage.write_metrics(graded.metrics())


if __name__ == "__main__":
    run_stage("score", ScoreParams, main)
