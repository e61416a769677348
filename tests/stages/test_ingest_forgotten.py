"""Ingest obeys tombstones: of a forgotten file nothing is taken in, named or fetched again, and the counts add up."""

from pathlib import Path

import pytest
from tests.ingest.s3.s3_server import S3Server
from tests.stages.test_ingest import RATE, SYNTH, _audio, _run, _stage
from tests.stages.test_ingest_s3 import _source, server  # noqa: F401  (a fixture)

from padstal.core.data.atomic import read_json
from padstal.core.data.content import sha256_file
from padstal.core.data.manifest import ClipAudio, read_table
from padstal.demo.audio_files import encode
from padstal.operations.lineage.checkouts import forget_mirrors, forget_state
from padstal.rights.tombstones import Tombstone, add_tombstones, read_tombstones
from padstal.stages.harness import StageError


def _forget(root: Path, *sha256s: str) -> None:
    add_tombstones(root / "data" / "tombstones.jsonl", [Tombstone(one, "2026-01-01") for one in sha256s])


def _names(root: Path, *wanted: str) -> list[str]:
    """Files below data/<scale>/ and .state/ that hold one of these texts, tables decoded."""
    found = []
    for path in (path for path in [*root.rglob("data/demo/**/*"), *root.rglob(".state/**/*")] if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += read_table(path).to_json().encode()
        found += [f"{path}: {one}" for one in wanted if one.encode() in content]
    return found


@pytest.mark.slow
def test_a_composed_track_is_gone_from_corpus_truth_manifest_shards_and_store(tmp_path):
    manifest, _, before = _run(tmp_path, SYNTH)
    truth = read_table(tmp_path / "data/demo/truth.parquet")
    copied = set(truth.loc[truth["duplicate_kind"] == "exact", "sha256"]) & set(manifest["sha256"])
    chosen = sorted(copied)[0]
    clips = manifest[manifest["sha256"] == chosen]
    paths = set(truth.loc[truth["sha256"] == chosen, "path"])
    assert len(paths) == 2, "a file and its exact copy"
    audio = ClipAudio(tmp_path / "data/demo/ingest")
    samples = [audio.pcm(int(row.shard), int(row.row)).tobytes() for row in clips.itertuples()]
    del audio

    _forget(tmp_path, chosen)
    after, quarantine, counts = _run(tmp_path, SYNTH)
    assert not set(after["sha256"]) & {chosen}
    assert len(after) == len(manifest) - len(clips)
    assert counts["quarantined"]["forgotten"] == 2
    assert (
        counts["files"]
        == before["files"]
        == counts["files_kept"] + counts["files_quarantined"] + counts["files_duplicate"]
    )
    forgotten = quarantine[quarantine["reason"] == "forgotten"]
    assert set(forgotten["sha256"]) == {""}
    assert forgotten["path"].is_unique
    marks = [chosen, chosen[:16], *clips["clip_id"], *paths, *(Path(path).stem for path in paths)]
    store = [path for path in tmp_path.rglob(".state/**/*") if path.name == "tracks.sqlite"]
    assert store, "the store must be looked at"
    assert _names(tmp_path, *marks) == []
    for path in [
        path for path in tmp_path.rglob("*") if path.suffix in (".npy", ".sqlite", ".wav", ".flac", ".ogg", ".mp3")
    ]:
        assert sha256_file(path) != chosen
        assert not any(one in path.read_bytes() for one in samples)


def test_a_forgotten_file_of_a_folder_stays_where_it_is_and_is_passed_over(tmp_path):
    folder = tmp_path / "pile"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.wav").write_bytes(encode(_audio(number), RATE, "wav"))
    source = {"kind": "folder", "path": str(folder), "licence": "cc0"}
    chosen = sha256_file(folder / "2.wav")
    _run(tmp_path, source)
    _forget(tmp_path, chosen)
    assert forget_state(tmp_path / ".state", [chosen], ["demo"]) >= 2
    manifest, quarantine, counts = _run(tmp_path, source)
    assert sorted(set(manifest["path"])) == ["0.wav", "1.wav", "3.wav"]
    assert list(quarantine["reason"]) == ["forgotten"]
    assert "2.wav" not in quarantine.to_json()
    assert counts["files"] == 4
    assert (folder / "2.wav").is_file()


def test_a_forgotten_object_is_not_fetched_again(server: S3Server, tmp_path):  # noqa: F811
    for number in range(4):
        server.put("music", f"pile/{number}.wav", encode(_audio(number), RATE, "wav"))
    server.put("music", "pile/captions.csv", b"path,caption\n2.wav,a tune\n")
    source = _source(server, name="objects")
    _run(tmp_path, source)
    mirror = tmp_path / "data/mirror/objects"
    chosen = sha256_file(mirror / "2.wav")
    _forget(tmp_path, chosen)
    assert forget_mirrors(tmp_path, [chosen]) == 1
    assert not (mirror / "2.wav").exists()
    assert "2.wav" not in (mirror / ".mirror/index.jsonl").read_text()
    asked = sum(one.key.endswith("2.wav") and one.operation == "GetObject" for one in server.requests)
    manifest, quarantine, counts = _run(tmp_path, source)
    assert sum(one.key.endswith("2.wav") and one.operation == "GetObject" for one in server.requests) == asked
    assert counts["files"] == 4
    assert counts["quarantined"] == {"forgotten": 1}
    assert chosen not in set(manifest["sha256"])

    elsewhere = tmp_path / "other"  # another machine, whose mirror is empty: it must look once
    _forget(elsewhere, chosen)
    _, quarantine, counts = _run(elsewhere, source)
    assert counts["quarantined"] == {"forgotten": 1}
    assert list(quarantine["reason"]) == ["forgotten"]
    assert not (elsewhere / "data/mirror/objects/2.wav").exists()


def test_a_tombstone_that_cannot_be_read_stops_the_run(tmp_path):
    path = tmp_path / "data" / "tombstones.jsonl"
    _forget(tmp_path, "a" * 64)
    assert list(read_tombstones(path)) == ["a" * 64]
    path.write_text(path.read_text() + '{"sha256": "short", "date": ""}\n')
    with pytest.raises(StageError, match="line 2"):
        _run(tmp_path, SYNTH)
    assert _stage(tmp_path, SYNTH).paths.tombstones == path


def test_a_tombstone_is_written_once_and_says_nothing_of_the_title(tmp_path):
    path = tmp_path / "data" / "tombstones.jsonl"
    assert add_tombstones(path, [Tombstone("b" * 64, "2026-01-01", "withdrawn")]) == 1
    assert add_tombstones(path, [Tombstone("b" * 64, "2027-01-01", "again")]) == 0
    assert read_json(path) == {"sha256": "b" * 64, "date": "2026-01-01", "reason": "withdrawn", "requested_by": ""}
