"""`score`: p-MOS of every clip; its quality level and prefix by μ and σ of the training split (QA-MDT 4.1)."""

from dataclasses import asdict

import numpy as np
import pandas as pd

from padstal.core.data.atomic import atomic_folder, write_json
from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.curation import levels
from padstal.curation.config import ScoreParams
from padstal.curation.listening import at_rate, batches, clip_sample_rate
from padstal.stages.harness import Stage, StageError, run_stage

QUANTILES = (0.02, 0.16, 0.5, 0.84, 0.98)


def main(stage: Stage[ScoreParams]) -> None:
    """Score all clips in batches, fit on train alone, write `scores.parquet` and `distribution.json`."""
    from padstal.foundation import pmos

    manifest = read_table(stage.paths.ingest / "manifest.parquet")
    audio = ClipAudio(stage.paths.ingest)
    scorer = pmos.load(stage.paths.foundation("pmos"), stage.device())
    rate, batch_clips = clip_sample_rate(audio, manifest), stage.params.batch_clips
    total = -(-len(manifest) // batch_clips)
    heard = batches(
        audio,
        manifest,
        batch_clips=batch_clips,
        progress=lambda starts: stage.progress(starts, total=total, unit="batch"),
    )
    score_N = np.concatenate([scorer.score(at_rate(audio_BS, rate, scorer.sample_rate)) for audio_BS in heard])

    train_N = (manifest["split"] == "train").to_numpy()
    try:
        distribution = levels.fit(score_N[train_N])
    except ValueError as error:
        raise StageError(f"train split: {error}") from None
    level_N = levels.quality_level(score_N, distribution, stage.params.quantiser)
    prefixes = levels.quality_prefix(score_N, distribution, stage.params.gap_policy)
    scores = pd.DataFrame(
        {
            "clip_id": manifest["clip_id"],
            "pmos": score_N.astype(np.float32),
            "quality_level": level_N,
            "prefix": prefixes,
        }
    )
    with atomic_folder(stage.paths.score) as folder:
        write_table(scores, folder / "scores.parquet")
        how = {"quantiser": stage.params.quantiser, "gap_policy": stage.params.gap_policy}
        write_json(folder / "distribution.json", {**asdict(distribution), **how})
    stage.write_metrics(
        {
            **asdict(distribution),
            "clips": len(scores),
            "unknown": int(np.isnan(score_N).sum()),
            "clips_of_level": {
                str(level): int((level_N == level).sum()) for level in (levels.UNKNOWN_LEVEL, *levels.LEVELS)
            },
            "clips_of_prefix": {name: prefixes.count(name) for name in (levels.LOW, levels.MEDIUM, levels.HIGH)},
            "clips_without_prefix": prefixes.count(""),
            "pmos_quantiles": {str(q): float(np.nanquantile(score_N, q)) for q in QUANTILES},
        }
    )


if __name__ == "__main__":
    run_stage("score", ScoreParams, main)
