"""Forgetting: who saw a track is exact over a history of versions, and nothing of it is left where DVC keeps things."""

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dvc.repo import Repo
from tests.ingest.s3.s3_server import S3Server
from tests.operations.lineage import steps
from tests.operations.lineage.synthetic import Repository, configure, create, files_below, found_in

from padstal.core.data.leftovers import temporary_prefix
from padstal.ingest.outcome import Rejection
from padstal.ingest.track_cache import TrackCache
from padstal.operations.lineage.exposure import SAW, THROUGH, UNKNOWN, all_models, exposures
from padstal.operations.lineage.removal import JOURNAL
from padstal.operations.lineage.runs import read_runs
from padstal.operations.lineage.view import about

pytestmark = pytest.mark.slow
BUCKET = "cache"
HOWS = (SAW, THROUGH, UNKNOWN)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with S3Server() as running:
        running.bucket(BUCKET)
        running.objects.keep_versions(BUCKET)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in running.environment.items():
                patch.setenv(name, value)
            yield running


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, server: S3Server) -> Repository:
    """Three versions, the first older than ledgers; a run that was never committed; a local remote and a bucket."""
    base = tmp_path_factory.mktemp("forget")
    repository = create(base / "repository", server.environment)
    configure(repository.root, base / "remote", f"s3://{BUCKET}/some/prefix", server.url)
    (repository.root / "ledgers").unlink()
    repository.put(*(f"t{number:03d}" for number in range(24)))
    repository.version()
    repository.dvc("push", "-q")
    (repository.root / "ledgers").touch()
    repository.put(*(f"t{number:03d}" for number in range(24, 32)), "c002=t002", "t003~b", "t025~b")
    repository.version()
    repository.run("git", "tag", "-a", "music@v1.0.0", "-m", "first")
    repository.run("git", "tag", "-a", "music#champion#1", "-m", "first")
    repository.dvc("push", "-q", "-r", "bucket")
    repository.take_away(*(f"t{number:03d}" for number in range(6)), "c002-t002")
    repository.put(*(f"t{number:03d}" for number in range(32, 38)))
    repository.version()
    repository.run("git", "tag", "-a", "music@v1.1.0", "-m", "second")
    repository.run("git", "tag", "-a", "music#champion#2", "-m", "second")
    repository.seed(2)
    repository.dvc("repro", "-q", "train_diffusion_tal_dit")
    repository.note(commit=False)
    repository.dvc("push", "-q", "--run-cache")
    repository.run("git", "checkout", "-q", "--", ".")
    repository.dvc("checkout", "-q")
    _leave_things(repository)
    for key, held in list(server.bucket(BUCKET).items()):  # what a push again and a careless delete leave behind
        server.put(BUCKET, key, held.content)
    for key in sorted(server.bucket(BUCKET))[::3]:
        server.objects.remove(BUCKET, key)
    return repository


def _leave_things(repository: Repository) -> None:
    """What kills, repairs and failed runs leave: state, half outputs, a quarantine, a clone with outputs of its own."""
    root = repository.root
    clone = root.parent / "workspaces" / "of-this" / "runs" / "retrain-1" / "repository"
    clone.mkdir(parents=True)
    (clone.parent / "lock").touch()
    for name in ("dvc.yaml", "dvc.lock"):
        shutil.copy(root / name, clone)
    for name in ("data", "models"):
        shutil.copytree(root / name, clone / name)
    shutil.copytree(root / "data/demo/ingest", root / "models/demo/vae" / f"{temporary_prefix('tal')}abcd1234")
    quarantine = root / ".dvc/cache/quarantine"
    shutil.copytree(root / "data/demo/ingest", quarantine / "workspace/data/demo/ingest")
    for file in (root / ".dvc/cache/files/md5").glob("*/*"):
        shutil.copy(file, quarantine / f"{file.parent.name}{file.name}.01234567")
    for state in (root / ".state", root.parent / "workspaces" / "of-this" / "state"):
        with closing(TrackCache(state / "demo" / "ingest", "key")) as cache:
            shutil.copytree(root / "data/demo/ingest/shards", cache.folder, dirs_exist_ok=True)
            for sha256 in repository.tracks:
                cache.keep(sha256, Rejection("silent", ""))
                (cache.folder / f"{sha256}.samples").write_bytes(sha256.encode() + steps.pcm(sha256, 0).tobytes())
        shutil.copytree(root / "data/demo/latents", state / "demo" / "train_vae_tal" / "checkpoint")


@pytest.fixture
def copy(history: Repository, tmp_path: Path) -> Repository:
    """The repository by itself, with its local remote alone."""
    shutil.copytree(history.root, tmp_path / "repository", symlinks=True)
    copied = Repository(tmp_path / "repository", history.environment, list(history.versions), dict(history.tracks))
    shutil.copytree(history.root.parent / "remote", tmp_path / "remote")
    copied.environment = history.environment | {"PADSTAL_WORKSPACES": str(tmp_path / "workspaces")}
    configure(copied.root, tmp_path / "remote")
    return copied


def _kept(repository: Repository, server: S3Server | None = None) -> dict[str, bytes]:
    """All that DVC and the workspace keep, with every version of a bucket; not the user's own source, nor git."""
    root = repository.root
    folders = (root, root.parent / "remote", root.parent / "workspaces")
    held = files_below(*folders, leaving=("source", ".git", "ledger", "tombstones.jsonl"))
    versions = server.objects.versions(BUCKET) if server else []
    return held | {f"s3 {one.key} {one.name}": one.held.content for one in versions if one.held}


def test_the_models_that_saw_each_track_are_those_whose_data_held_it(history: Repository) -> None:
    models = all_models(read_runs(history.root))
    assert {(one.ref.path, one.ref.md5) for one in models} == {
        pair for version in history.versions for pair in version.models.items()
    }
    old = set(history.versions[0].models.items())
    for sha256 in history.tracks:
        found = exposures(models, [sha256])
        seen = {how: {(one.model.ref.path, one.model.ref.md5) for one in found if one.how == how} for how in HOWS}
        assert seen[SAW] == history.truly_saw(sha256) - old
        assert seen[UNKNOWN] == old, "without a ledger they count as exposed"
    tagged = {promotion.tag for one in models for promotion in one.promotions if one.ref.path.endswith("/tal_dit")}
    assert tagged == {"music@v1.0.0", "music@v1.1.0", "music#champion#1", "music#champion#2"}


def test_a_model_or_version_that_is_not_there_is_answered_with_those_that_are(history: Repository) -> None:
    runs = read_runs(history.root)
    for wanted, told in {
        "audoi_dit": r"no track or clip .* or a model: .*diffusion/tal_dit, .*vae/tal$",
        "train_vae@tal": r"no track or clip .* or a model: ",
        "music@v9": r"'music@v9': no such version; versions: music@v1.1.0, music@v1.0.0",
        "vae/tal@v9": "no such version; versions: none, it was never promoted",
    }.items():
        with pytest.raises(ValueError, match=told):
            about(runs, wanted)


def test_versions_that_never_held_a_track_keep_every_object(copy: Repository) -> None:
    sha256 = next(sha256 for sha256, name in copy.tracks.items() if name == "t030.wav")
    copy.padstal("forget", "t030.wav", "--yes")
    assert found_in(_kept(copy), {sha256: "t030.wav"}) == []
    copy.run("git", "checkout", "-q", "-f", copy.versions[0].commit)
    copy.dvc("checkout", "-q", "-f")
    assert (copy.root / "data/demo/latents/tal/latents.npy").exists()
    with copy.inside():
        changed = set(Repo(str(copy.root)).status())
    assert changed <= {"ingest"}, "the source is another by now, the outputs are not"


def test_models_go_if_asked_and_only_those_that_saw_it(copy: Repository) -> None:
    trained = {sha256 for version in copy.versions for sha256 in version.tracks}
    late = set(copy.versions[2].tracks) - set(copy.versions[1].tracks)
    sha256 = sorted(late)[0]
    assert sha256 in trained
    said = json.loads(copy.padstal("forget", sha256, "--models", "remove", "--yes", "--json"))
    saw = copy.truly_saw(sha256)
    assert {(one["path"], one["md5"]) for one in said["models"] if one["fate"] == "remove"} == saw
    cache = copy.root / ".dvc/cache/files/md5"
    for version in copy.versions:
        for path, md5 in version.models.items():
            gone = (path, md5) in saw
            assert (cache / md5[:2] / md5[2:]).exists() != gone


def test_a_recording_that_is_there_twice_is_named(copy: Repository) -> None:
    said = copy.padstal("forget", "t003.wav", "--dry-run")
    assert "t003~b.wav" in said
    both = json.loads(copy.padstal("forget", "t003.wav", "--duplicates", "--dry-run", "--json"))
    assert {copy.tracks[sha256] for sha256 in both["sha256"]} == {"t003.wav", "t003~b.wav"}
    exact = json.loads(copy.padstal("lineage", "t002.wav", "--json"))
    assert {row["path"] for row in exact["files"]} >= {"t002.wav"}


def test_twenty_forgotten_tracks_leave_nothing_even_if_killed_and_the_next_run_is_free_of_them(
    history: Repository, server: S3Server
) -> None:
    drawn = random.Random(4).sample(sorted(history.tracks), 20)
    tracks = {sha256: history.tracks[sha256] for sha256 in drawn}
    before = _kept(history, server)
    there = {name for _, name in found_in(before, tracks)}
    assert there == set(tracks.values()), "the search must find what is there"
    said = json.loads(history.padstal("forget", *drawn, "--dry-run", "--json"))
    truly = {pair for sha256 in drawn for pair in history.truly_saw(sha256)}
    assert {(one["path"], one["md5"]) for one in said["models"] if one["how"] in (SAW, UNKNOWN)} == truly
    assert all(set(one["sha256"]) <= set(drawn) for one in said["models"])
    assert _kept(history, server) == before, "a dry run changes nothing"

    arguments = [sys.executable, "-m", "padstal.cli", "forget", *drawn, "--yes", "--reason", "asked"]
    child = subprocess.Popen(arguments, cwd=history.root, env=history.environment, stdout=subprocess.DEVNULL)
    journal = history.root / JOURNAL
    while child.poll() is None and not journal.exists():
        time.sleep(0.002)
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert journal.exists(), "the kill came too late to show anything"
    lines = (history.root / "data/tombstones.jsonl").read_text().splitlines()
    assert {json.loads(line)["sha256"] for line in lines} == set(drawn)
    assert not any(name.removesuffix(".wav") in line for line in lines for name in tracks.values())

    history.padstal("forget", "--yes")
    assert not journal.exists()
    after = _kept(history, server)
    assert found_in(after, tracks) == []
    assert sum("models" in place and place.endswith("model.npy") for place in after) == 4, "kept by default"

    history.dvc("repro", "-q", "encode_tal")
    rows = history.root / "reports/demo/metrics/ingest.json"
    assert json.loads(rows.read_text())["forgotten"] > 0
    assert found_in(_kept(history, server), tracks) == []
    others = {sha256: name for sha256, name in history.tracks.items() if sha256 not in tracks}
    assert found_in(_kept(history, server), others)
