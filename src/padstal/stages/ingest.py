"""Stage `ingest`: all sources to clips of one form with provenance, licence and split; the rest to quarantine."""

from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.data.manifest import write_table
from padstal.demo.synthesise import CAPTIONS, leave_out, synthesise, truth_table
from padstal.ingest.candidates import Folder
from padstal.ingest.collect import collect
from padstal.ingest.config import IngestParams, S3Source, SynthSource
from padstal.ingest.s3.errors import StoreError
from padstal.ingest.s3.mirror import Mirrored
from padstal.ingest.sources import changed_since_scan, fetched, folder_of
from padstal.ingest.worker_pool import Workers
from padstal.rights.tombstones import read_tombstones
from padstal.stages.harness import Stage, StageError, run_stage, stage_errors


def main(stage: Stage[IngestParams]) -> None:
    params, paths, workers = stage.params, stage.paths, Workers.of(stage.runtime)
    forgotten, mirrors = _fetched(stage)
    with atomic_folder(paths.corpus) as corpus, atomic_folder(paths.ingest) as out:
        truth, folders = truth_table([]), []
        for source in params.sources:
            if isinstance(source, SynthSource):
                truth = synthesise(corpus, source, workers=workers, progress=stage.progress)
                folders.append(Folder(source.name, corpus, CAPTIONS, ""))
            elif isinstance(source, S3Source):
                folders.append(folder_of(source, paths.mirror(source.name), mirrors[source.name]))
            else:
                folders.append(folder_of(source, paths.root / source.path))
        with stage_errors(ValueError):
            collected = collect(
                folders,
                out=out,
                store=paths.ingest_store,
                params=params,
                workers=workers,
                forgotten=forgotten,
                progress=stage.progress,
            )
        if not collected.clips:
            found = dict(collected.reasons) or "no audio"
            raise StageError(f"no clip in the sources: {collected.files} files, of them quarantined {found}")
        with atomic_file(paths.truth) as temporary:
            write_table(leave_out(corpus, truth, {path for _, path in collected.forgotten}), temporary)
    stage.write_metrics(collected.metrics(params))
    stage.notes["tracks_from_store"] = collected.from_store
    stage.say(
        f"{collected.kept} of {collected.files} files kept, {collected.clips} clips; "
        f"{collected.from_store} tracks were known from earlier runs"
    )


def _fetched(stage: Stage[IngestParams]) -> tuple[frozenset[str], dict[str, Mirrored]]:
    """Which files are forgotten, and the buckets' objects as folders; says what changed since `padstal scan`."""
    paths = stage.paths
    with stage_errors(ValueError, StoreError):
        forgotten = frozenset(read_tombstones(paths.tombstones))
        mirrors = fetched(stage.params.sources, paths.mirror, forgotten, stage.say)
    changed = changed_since_scan(
        stage.params.sources,
        paths.sources,
        root=paths.root,
        store=paths.ingest_store,
        mirrors=mirrors,
    )
    if changed:
        stage.say(changed)
    return forgotten, mirrors


if __name__ == "__main__":
    run_stage("ingest", IngestParams, main)
