"""Stage `ingest`: all sources to clips of one form with provenance, licence and split; the rest to quarantine."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from padstal.core.data.atomic import atomic_file, atomic_folder, read_json
from padstal.core.data.manifest import write_table
from padstal.core.data.units import seconds_to_samples
from padstal.core.runtime import DaskParams, RuntimeParams
from padstal.demo.synthesise import CAPTIONS, leave_out, synthesise, truth_table
from padstal.ingest.collect import Collected, Folder, Terms, collect, digests_of
from padstal.ingest.config import FolderSource, IngestParams, S3Source, SynthSource
from padstal.ingest.listing import captions_of, printable_key, scan, store_of
from padstal.ingest.rejection import DUPLICATE
from padstal.ingest.s3.errors import StoreError
from padstal.ingest.s3.mirror import Mirrored, mirror
from padstal.ingest.s3.objects import Listing
from padstal.ingest.screen import Limits
from padstal.ingest.track import ClipForm
from padstal.ingest.worker_pool import Workers
from padstal.rights.policy import Policy
from padstal.rights.tombstones import read_tombstones
from padstal.stages.harness import Stage, StageError, run_stage


def main(stage: Stage[IngestParams]) -> None:
    """Compose the corpus if a source asks for it, read all sources, write clips, manifest, quarantine and counts."""
    params, paths = stage.params, stage.paths
    licences = _policy(params)
    workers = _workers(stage.runtime)
    forgotten = _forgotten(stage)
    mirrors = {
        source.name: _mirror(stage, source, forgotten) for source in params.sources if isinstance(source, S3Source)
    }
    _compare_with_listing(stage, {name: mirrored.listing for name, mirrored in mirrors.items()})
    with atomic_folder(paths.corpus) as corpus, atomic_folder(paths.ingest) as out:
        truth, folders = truth_table([]), []
        for source in params.sources:
            if not isinstance(source, SynthSource):
                folders.append(_folder(source, stage, mirrors))
                continue
            truth = synthesise(
                corpus,
                tracks=source.tracks,
                track_seconds=source.track_seconds,
                seed=source.seed,
                workers=workers,
                progress=stage.progress,
            )
            folders.append(Folder(source.name, corpus, CAPTIONS, ""))
        try:
            collected = collect(
                folders,
                out=out,
                store=paths.ingest_store,
                terms=_terms(stage, licences, forgotten),
                workers=workers,
                progress=stage.progress,
            )
        except (ValueError, ConnectionError) as error:
            raise StageError(str(error)) from error
        if not collected.clips:
            found = dict(collected.reasons) or "no audio"
            raise StageError(f"no clip in the sources: {_files(collected)} files, of them quarantined {found}")
        truth = leave_out(corpus, truth, {path for _, path in collected.forgotten})
        with atomic_file(paths.truth) as temporary:
            write_table(truth, temporary)
    stage.write_metrics(_metrics(collected, stage.params))
    stage.notes["tracks_from_store"] = collected.from_store
    stage.say(
        f"{collected.kept} of {_files(collected)} files kept, {collected.clips} clips; "
        f"{collected.from_store} tracks were known from earlier runs"
    )


def _folder(source: FolderSource | S3Source, stage: Stage[IngestParams], mirrors: Mapping[str, Mirrored]) -> Folder:
    """What `collect` reads of a source: the folder itself, or the mirror of a bucket with what did not come."""
    if isinstance(source, S3Source):
        mirrored = mirrors[source.name]
        path, missing, gone = stage.paths.mirror(source.name), mirrored.failed, mirrored.forgotten
    else:
        path, missing, gone = stage.paths.root / source.path, {}, ()
    failed = {printable_key(key): why for key, why in missing.items()}
    left_out = [printable_key(key) for key in gone]
    return Folder(source.name, path, source.captions, source.licence or "", source.layout, failed, left_out)


def _forgotten(stage: Stage[IngestParams]) -> frozenset[str]:
    """SHA-256 of the files that are to be forgotten."""
    try:
        return frozenset(read_tombstones(stage.paths.tombstones))
    except ValueError as error:
        raise StageError(str(error)) from error


def _workers(runtime: RuntimeParams) -> Workers:
    executor = runtime.executor
    return Workers(runtime.workers, executor.kind, executor.address if isinstance(executor, DaskParams) else None)


def _terms(stage: Stage[IngestParams], licences: Policy, forgotten: frozenset[str]) -> Terms:
    params = stage.params
    return Terms(
        form=_form(params),
        licences=licences,
        shares=params.splits.model_dump(),
        split_seed=params.split_seed,
        shard_tracks=params.shard_tracks,
        max_file_seconds=params.max_file_seconds,
        forgotten=forgotten,
        rehash=stage.runtime.rehash,
    )


def _policy(params: IngestParams) -> Policy:
    try:
        return Policy(**params.licences.model_dump())
    except ValueError as error:
        raise StageError(f"ingest.{error}") from error


def _form(params: IngestParams) -> ClipForm:
    return ClipForm(
        sample_rate=params.sample_rate,
        channels=params.channels,
        clip_samples=seconds_to_samples(params.clip_seconds, params.sample_rate),
        hop_samples=seconds_to_samples(params.hop_seconds, params.sample_rate),
        min_seconds=params.min_track_seconds,
        max_seconds=params.max_track_seconds,
        loudness_lufs=params.loudness_lufs,
        silence_dbfs=params.silence_dbfs,
        limits=Limits(**params.screening.model_dump()),
    )


def _mirror(stage: Stage[IngestParams], source: S3Source, forgotten: frozenset[str]) -> Mirrored:
    """Bring a bucket's objects to this machine.

    Raises:
        StageError: It cannot be read, or too much of it; what came stays for the next run.
    """
    content, fetch = source.model_dump(), source.fetch
    try:
        mirrored = mirror(
            store_of(content),
            stage.paths.mirror(source.name),
            manifest=source.manifest,
            also=captions_of(content),
            attempts=fetch.attempts,
            longest_wait_seconds=fetch.longest_wait_seconds,
            max_failed_share=fetch.max_failed_share,
            longest_bytes=fetch.max_object_mebibytes * 2**20,
            forgotten=forgotten,
        )
    except StoreError as error:
        raise StageError(str(error)) from error
    if source.captions and source.captions in mirrored.failed:
        raise StageError(f"{source.uri}: captions table {source.captions}: {mirrored.failed[source.captions]}")
    stage.say(
        f"{source.uri}: {mirrored.fetched} objects fetched, {mirrored.kept} unchanged, {mirrored.removed} removed, "
        f"{len(mirrored.failed)} failed; checked by {dict(mirrored.checks)}"
    )
    return mirrored


def _compare_with_listing(stage: Stage[IngestParams], listed: Mapping[str, Listing]) -> None:
    """Say so if the sources are not as `padstal scan` found them; what they hold now is what counts."""
    sources = [source.model_dump() for source in stage.params.sources]
    if all(source["kind"] == "synth" for source in sources):
        return
    if not stage.paths.sources.exists():
        stage.say(f"{stage.paths.sources}: not there; run `padstal scan`, or DVC will not see a changed source")
        return
    with closing(digests_of(stage.paths.ingest_store, rehash=stage.runtime.rehash)) as digests:
        try:
            now = scan(sources, root=stage.paths.root, sha256=digests.sha256, listed=listed)
        except OSError:  # a file cannot be read, or goes away meanwhile; `collect` says which
            now = {}
    if read_json(stage.paths.sources) != now:
        stage.say(
            "the sources changed since the last `padstal scan`; going on with what is there now, scan to record it"
        )


def _files(collected: Collected) -> int:
    return collected.kept + collected.refused_files


def _metrics(collected: Collected, params: IngestParams) -> dict[str, Any]:
    """Counts of files, reasons, licences and splits; nothing that depends on earlier runs."""
    duplicates = collected.reasons[DUPLICATE]
    return {
        "files": _files(collected),
        "files_kept": collected.kept,
        "files_quarantined": collected.refused_files - duplicates,
        "files_duplicate": duplicates,
        "files_ignored": collected.ignored,
        "rows_without_file": collected.reasons.total() - collected.refused_files,
        "quarantined": dict(collected.reasons),
        "repaired": dict(collected.repairs),
        "clips": collected.clips,
        "clips_silent": collected.silent_clips,
        "hours": collected.clips * _form(params).clip_samples / params.sample_rate / 3600,
        "captioned_share": collected.captioned_clips / collected.clips if collected.clips else None,
        "artists": collected.artists,
        "licences": dict(collected.licences),
        "clips_by_split": dict(collected.splits),
    }


if __name__ == "__main__":
    run_stage("ingest", IngestParams, main)
