"""Stage `ingest`: all sources to clips of one form with provenance, licence and split; the rest to quarantine."""

from collections.abc import Mapping
from typing import Any

from padstal.audio.collect import Collected, Folder, collect
from padstal.audio.rejection import DUPLICATE, FILE_REASONS
from padstal.audio.track import ClipForm
from padstal.corpus.synthesise import CAPTIONS, synthesise, truth_table
from padstal.manifest import write_table
from padstal.params.ingest import FolderSource, IngestParams, S3Source
from padstal.stages.harness import Stage, StageError, run_stage
from padstal.storage.atomic import atomic_file, atomic_folder, read_json
from padstal.storage.listing import captions_of, printable_key, scan, store_of
from padstal.storage.mirror import Mirrored, mirror
from padstal.storage.objects import Listing
from padstal.storage.s3_errors import StoreError
from padstal.units import seconds_to_samples


def main(stage: Stage[IngestParams]) -> None:
    """Compose the corpus if a source asks for it, read all sources, write clips, manifest, quarantine and counts."""
    params, paths = stage.params, stage.paths
    mirrors = {source.name: _mirror(stage, source) for source in params.sources if isinstance(source, S3Source)}
    _compare_with_listing(stage, {name: mirrored.listing for name, mirrored in mirrors.items()})
    with atomic_folder(paths.corpus) as corpus, atomic_folder(paths.ingest) as out:
        truth, folders = truth_table([]), []
        for source in params.sources:
            if isinstance(source, FolderSource):
                folder = paths.root / source.path
                folders.append(Folder(source.name, folder, source.captions, source.licence or ""))
                continue
            if isinstance(source, S3Source):
                failed = {printable_key(key): why for key, why in mirrors[source.name].failed.items()}
                folder = paths.mirror(source.name)
                folders.append(Folder(source.name, folder, source.captions, source.licence or "", failed))
                continue
            truth = synthesise(
                corpus,
                tracks=source.tracks,
                track_seconds=source.track_seconds,
                seed=source.seed,
                workers=stage.runtime.workers,
                progress=stage.progress,
            )
            folders.append(Folder(source.name, corpus, CAPTIONS, ""))
        try:
            collected = collect(
                folders,
                shards=out / "shards",
                form=_form(params),
                licences=params.licences,
                shares=params.splits.model_dump(),
                split_seed=params.split_seed,
                shard_clips=params.shard_clips,
                workers=stage.runtime.workers,
                progress=stage.progress,
            )
        except ValueError as error:
            raise StageError(str(error)) from error
        metrics = _metrics(collected)
        if not len(collected.manifest):
            found = metrics["quarantined"] or "no audio"
            raise StageError(f"no clip in the sources: {collected.files} files, of them quarantined {found}")
        write_table(collected.manifest, out / "manifest.parquet")
        write_table(collected.quarantine, out / "quarantine.parquet")
        with atomic_file(paths.truth) as temporary:
            write_table(truth, temporary)
    stage.write_metrics(metrics)
    stage.say(f"{collected.kept} of {collected.files} files kept, {len(collected.manifest)} clips")


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
    )


def _mirror(stage: Stage[IngestParams], source: S3Source) -> Mirrored:
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
    elif read_json(stage.paths.sources) != scan(sources, root=stage.paths.root, listed=listed):
        stage.say(
            "the sources changed since the last `padstal scan`; going on with what is there now, scan to record it"
        )


def _metrics(collected: Collected) -> dict[str, Any]:
    """Counts of files, reasons, licences and splits.

    Raises:
        StageError: A file was lost or counted twice.
    """
    manifest, quarantine = collected.manifest, collected.quarantine
    reasons = quarantine["reason"].value_counts()
    of_files = sum(int(count) for reason, count in reasons.items() if reason in FILE_REASONS)
    if collected.files != collected.kept + of_files:
        raise StageError(f"{collected.files} files seen, but {collected.kept} kept and {of_files} quarantined")
    duplicates = int(reasons.get(DUPLICATE, 0))
    tracks = manifest.drop_duplicates("track_id")
    return {
        "files": collected.files,
        "files_kept": collected.kept,
        "files_quarantined": of_files - duplicates,
        "files_duplicate": duplicates,
        "files_ignored": collected.ignored,
        "rows_without_file": len(quarantine) - of_files,
        "quarantined": {str(reason): int(count) for reason, count in reasons.items()},
        "clips": len(manifest),
        "clips_silent": collected.silent_clips,
        "hours": float(manifest["clip_seconds"].sum() / 3600),
        "captioned_share": float((manifest["caption"] != "").mean()) if len(manifest) else None,
        "artists": int(tracks.loc[tracks["artist"] != "", "artist"].str.casefold().nunique()),
        "licences": {str(name): int(count) for name, count in tracks["licence"].value_counts().items()},
        "clips_by_split": {str(name): int(count) for name, count in manifest["split"].value_counts().items()},
    }


if __name__ == "__main__":
    run_stage("ingest", IngestParams, main)
