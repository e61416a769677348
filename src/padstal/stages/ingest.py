"""Stage `ingest`: all sources to clips of one form with provenance, licence and split; the rest to quarantine."""

from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.data.manifest import write_table
from padstal.demo.synthesise import CAPTIONS, leave_out, synthesise, truth_table
from padstal.ingest.candidates import Folder
from padstal.ingest.collect import collect
from padstal.ingest.config import IngestParams, S3Source, SynthSource
from padstal.ingest.s3.errors import StoreError
from padstal.ingest.sources import changed_since_scan, fetched, folder_of
from padstal.ingest.worker_pool import Workers
from padstal.rights.tombstones import read_tombstones
from padstal.stages.harness import Stage, StageError, run_stage, stage_errors


def main(stage: Stage[IngestParams]) -> None:
    """Compose the corpus if a source asks for it, read all sources, write clips, manifest, quarantine and counts."""
    params, paths, workers = stage.params, stage.paths, Workers.of(stage.runtime)
    store, rehash = paths.ingest_store, stage.runtime.rehash
    with stage_errors(ValueError, StoreError):
        forgotten = frozenset(read_tombstones(paths.tombstones))
        mirrors = fetched(params.sources, paths.mirror, forgotten, stage.say)
    changed = changed_since_scan(
        params.sources, paths.sources, root=paths.root, store=store, rehash=rehash, mirrors=mirrors
    )
    if changed:
        stage.say(changed)
    with atomic_folder(paths.corpus) as corpus, atomic_folder(paths.ingest) as out:
        truth, folders = truth_table([]), []
        for source in params.sources:
            if isinstance(source, SynthSource):
                plan = source.model_dump(exclude={"kind"})
                truth = synthesise(corpus, **plan, workers=workers, progress=stage.progress)
                folders.append(Folder(source.name, corpus, CAPTIONS, ""))
            elif isinstance(source, S3Source):
                folders.append(folder_of(source, paths.mirror(source.name), mirrors[source.name]))
            else:
                folders.append(folder_of(source, paths.root / source.path))
        with stage_errors(ValueError, ConnectionError):
            collected = collect(
                folders,
                out=out,
                store=store,
                params=params,
                workers=workers,
                forgotten=forgotten,
                rehash=rehash,
                progress=stage.progress,
            )
        if not collected.clips:
            found = dict(collected.reasons) or "no audio"
            raise StageError(f"no clip in the sources: {collected.files} files, of them quarantined {found}")
        truth = leave_out(corpus, truth, {path for _, path in collected.forgotten})
        with atomic_file(paths.truth) as temporary:
            write_table(truth, temporary)
    stage.write_metrics(collected.metrics(params))
    stage.notes["tracks_from_store"] = collected.from_store
    stage.say(
        f"{collected.kept} of {collected.files} files kept, {collected.clips} clips; "
        f"{collected.from_store} tracks were known from earlier runs"
    )


if __name__ == "__main__":
    run_stage("ingest", IngestParams, main)
