"""`padstal fsck` says in plain words what is wrong, and its exit status says whether all is well."""

import json
import os
import random
from pathlib import Path

import pytest
from tests.operations.integrity.kept import Kept, file_of, fill, make, rot
from typer.testing import CliRunner, Result

from padstal.cli import app
from padstal.core.data.leftovers import temporary_prefix


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kept:
    repository = make(tmp_path / "repository", files=3, folders=1, in_folder=3)
    fill(repository, repository.remote, tmp_path / "temporary")
    monkeypatch.chdir(repository.root)
    return repository


def _fsck(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["fsck", *arguments])


def _rot(kept: Kept, path: str) -> str:
    oid = kept.files[path]
    rot(file_of(kept.cache, oid), b"rot")
    return oid


def test_a_clean_repository_is_clean(kept: Kept) -> None:
    shown = _fsck("--remote")
    assert shown.exit_code == 0, shown.output
    assert f"cache: {len(kept.objects)} objects" in shown.output
    assert f"remote: {len(kept.objects)} objects" in shown.output
    assert shown.stdout.endswith("clean\n")


def test_a_corrupt_object_is_named_with_its_place_and_fetched_again(kept: Kept) -> None:
    oid = _rot(kept, "file_0")  # a hard link, so that the workspace rots with it
    shown = _fsck()
    assert shown.exit_code == 1
    assert f"corrupt: cache: {oid}, file_0 (make_file_0): its bytes have MD5" in shown.output
    assert "differs: workspace: file_0" in shown.output
    repaired = _fsck("--repair")
    assert repaired.exit_code == 0, repaired.output
    assert "from remote local; the corrupt one is quarantine/" in repaired.output
    assert (kept.root / "file_0").read_bytes() == kept.objects[oid]
    assert [file.read_bytes() for file in (Path(kept.cache.base) / "quarantine").glob(f"{oid}.*")] == [b"rot"]
    assert _fsck("--remote").exit_code == 0


def test_what_nobody_has_names_the_stage_to_run(kept: Kept) -> None:
    oid = _rot(kept, "file_0")
    file_of(kept.remote, oid).unlink()
    shown = _fsck("--remote", "--repair")
    assert shown.exit_code == 1
    assert "no good copy found" in shown.output
    assert "`dvc repro -s -f make_file_0`" in shown.output
    assert not (kept.root / "file_0").exists(), "what is known to be rotten is not left for the next stage"


def test_a_workspace_file_that_was_overwritten_is_set_aside_and_brought_back(kept: Kept) -> None:
    (kept.root / "file_1").write_bytes(b"something else")
    (kept.root / "folder_3" / "more.txt").write_bytes(b"not named")
    shown = _fsck()
    assert shown.exit_code == 1
    assert "`dvc checkout --force file_1`" in shown.output
    assert _fsck("--repair").exit_code == 0
    assert (kept.root / "file_1").read_bytes() == kept.objects[kept.files["file_1"]]
    aside = Path(kept.cache.base) / "quarantine" / "workspace"
    assert sorted(file.read_bytes() for file in aside.rglob("*") if file.is_file()) == [b"not named", b"something else"]


def test_an_output_that_a_process_is_writing_is_left_alone(kept: Kept) -> None:
    (kept.root / "file_1").write_bytes(b"half written")
    holder = {"pid": os.getpid(), "cmd": "dvc repro"}
    (kept.root / ".dvc" / "tmp" / "rwlock").write_text(json.dumps({"write": {str(kept.root / "file_1"): holder}}))
    shown = _fsck("--repair")
    assert f"process {os.getpid()} is writing it; not looked at" in shown.output
    assert shown.exit_code == 0, shown.output
    assert (kept.root / "file_1").read_bytes() == b"half written"


def test_what_a_killed_process_left_is_listed_and_goes(kept: Kept) -> None:
    mine, dead = temporary_prefix("ingest"), temporary_prefix("dvc.lock").replace(f"-{os.getpid()}-", f"-{2**22 + 1}-")
    for path in (left := [kept.root / f"{dead}abcd1234", kept.root / "data" / f"{mine}abcd1234"]):
        path.parent.mkdir(exist_ok=True)
        path.write_text("half")
    shown = _fsck()
    assert f"note: workspace: {left[0].name}: half written by a process that is gone; `padstal fsck --r" in shown.output
    assert left[1].name not in shown.output
    assert shown.output.endswith("clean\n")
    assert f"{left[0].name}: half written by a process that is gone; removed" in _fsck("--repair").output
    assert [path.exists() for path in left] == [False, True]


def test_a_torn_lock_is_put_right_and_said(kept: Kept) -> None:
    whole = (kept.root / "dvc.lock").read_text()
    from padstal.operations.integrity.lock_repair import guard_lock

    guard_lock(kept.root)
    (kept.root / "dvc.lock").write_text(whole[: len(whole) // 2])
    shown = _fsck()
    assert shown.exit_code == 1
    assert "unreadable: dvc.lock" in shown.output
    repaired = _fsck("--repair")
    assert repaired.exit_code == 0, repaired.output
    assert "the last good copy" in repaired.output
    assert "`dvc repro`" in repaired.output


def test_the_findings_are_there_as_json(kept: Kept) -> None:
    draw = random.Random(0)
    oid = _rot(kept, draw.choice(sorted(kept.files)))
    shown = _fsck("--json")
    content = json.loads(shown.stdout)
    assert content["clean"] is False
    assert oid in [finding["what"] for finding in content["findings"]]


def test_a_remote_that_is_not_configured_is_said(kept: Kept) -> None:
    shown = _fsck("--remote-name", "store")
    assert shown.exit_code == 1
    assert "DVC remote 'store': not in .dvc/config (there: local)" in shown.output
    assert "Traceback" not in shown.output


def test_what_went_from_the_cache_comes_back_from_the_workspace(kept: Kept) -> None:
    file = file_of(kept.cache, kept.files["file_1"])
    file.unlink()
    shown = _fsck()
    assert shown.exit_code == 1
    assert "the cache lacks 1 object: file_1, which the workspace has" in shown.output
    assert _fsck("--repair").exit_code == 0
    assert file.read_bytes() == kept.objects[kept.files["file_1"]]


def test_a_fresh_clone_is_clean_and_told_to_pull(kept: Kept) -> None:
    import shutil

    shutil.rmtree(Path(kept.cache.base))
    for path in kept.root.glob("f*_*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shown = _fsck("--remote")
    assert shown.exit_code == 0, shown.output
    assert f"not in this cache: {len(kept.objects)} objects" in shown.output
    assert "`padstal pull`" in shown.output


def test_a_remote_that_was_not_looked_at_is_not_believed(kept: Kept) -> None:
    oid = _rot(kept, "file_2")  # not checked out
    rot(file_of(kept.remote, oid), b"other rot")
    shown = _fsck("--repair")
    assert shown.exit_code == 1
    assert "no good copy found" in shown.output
    assert not file_of(kept.cache, oid).exists()


def test_what_may_belong_to_a_folder_whose_list_is_lost_is_not_called_unneeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = make(tmp_path / "repository", files=2, folders=1, in_folder=2)  # the folder is not checked out
    monkeypatch.chdir(kept.root)
    for oid in (next(oid for oid in kept.objects if oid.endswith(".dir")), kept.files["folder_2/part/0.bin"]):
        rot(file_of(kept.cache, oid), b"rot")
    shown = _fsck("--repair")
    assert shown.exit_code == 1
    assert "it may belong to folder_2, whose list of files is lost; `dvc repro -s -f make_folder_2`" in shown.output
