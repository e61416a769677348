"""`curate`: near-duplicates, poor training clips and unlikely tracks out (DiscoDiff 4.1), counts checked."""

import numpy as np

from padstal.core.data.atomic import atomic_folder, read_json, write_json
from padstal.core.data.manifest import ClipAudio, read_table, write_table
from padstal.curation.config import CurateParams
from padstal.curation.curation import CurationError, curate, joined
from padstal.curation.ledger import LedgerError
from padstal.stages.harness import Stage, run_stage, stage_errors


def main(stage: Stage[CurateParams]) -> None:
    """Take clips out, each for one reason; write who stays (`dataset.parquet`) and who leaves (`removed.parquet`).

    Beside them lies what `validate@curate` holds them against: `origin.json` (clips of the manifest; μ, σ and rules of
    quality levels) and `gaussian.npy` (mean and covariance of the training tracks' CLAP embeddings).
    """
    paths = stage.paths
    with stage_errors(CurationError, LedgerError):
        clips = joined(
            read_table(paths.ingest / "manifest.parquet"),
            read_table(paths.score / "scores.parquet"),
            read_table(paths.caption / "captions.parquet"),
        )
        curated = curate(
            clips,
            np.load(paths.caption / "audio_embeddings.npy"),
            ClipAudio(paths.ingest),
            stage.params,
            came=read_json(paths.metrics("ingest")),
            quarantine=read_table(paths.ingest / "quarantine.parquet"),
            progress=stage.progress,
        )
    if curated.no_gaussian:
        stage.say(f"no likelihoods: {curated.no_gaussian}")
    with atomic_folder(paths.curate) as folder:
        write_table(curated.dataset, folder / "dataset.parquet")
        write_table(curated.removed, folder / "removed.parquet")
        pmos = read_json(paths.score / "distribution.json")
        write_json(folder / "origin.json", {"clips": len(clips), "pmos": pmos})
        if curated.gaussian is not None:
            np.save(folder / "gaussian.npy", curated.gaussian.moments)
    stage.write_metrics(curated.metrics())


if __name__ == "__main__":
    run_stage("curate", CurateParams, main)
