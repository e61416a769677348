"""git answers or says why not; it never asks, never tells a password, and stays in the repository that it was given."""

import subprocess
from pathlib import Path

import pytest

from padstal.core.git import GitError, PushRefusedError, blobs, git, git_bytes, succeeds, try_git


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "r"
    subprocess.run(["git", "init", "-q", "-b", "main", str(made)], check=True)
    for key, value in {"user.name": "t", "user.email": "t@t"}.items():
        git(made, "config", key, value)
    return made


def test_text_comes_without_the_last_lines_end_and_bytes_as_they_are(root: Path) -> None:
    content = b"\xff\x00 s3://user:word@bucket\n"
    blob = git_bytes(root, "hash-object", "-w", "--stdin", given=content).decode().strip()
    assert git(root, "cat-file", "-t", blob) == "blob"
    assert git_bytes(root, "cat-file", "blob", blob) == content


def test_files_of_commits_come_together_and_none_where_there_is_none(root: Path) -> None:
    inside = root / "a folder"
    inside.mkdir()
    contents = [b"", b"\n\xff 3\n", b"\n\xff 3\n"]
    for content in contents:
        (inside / "x").write_bytes(content)
        git(root, "add", "-A")
        git(root, "commit", "-q", "--allow-empty", "-m", "x")
    names = ["HEAD~2:./x", "HEAD~1:./x", "HEAD:./x"]
    assert blobs(inside, names) == contents
    assert blobs(inside, [*names, "HEAD:./y", "gone:./x", "HEAD:./"]) == [*contents, None, None, None]
    assert blobs(inside, []) == []


def test_a_failure_is_an_error_an_empty_answer_or_no(root: Path) -> None:
    with pytest.raises(GitError, match=r"^git rev-parse: fatal: Needed a single revision"):
        git(root, "rev-parse", "--verify", "nowhere")
    assert try_git(root, "rev-parse", "--verify", "nowhere") == ""
    assert not succeeds(root, "cat-file", "-e", "HEAD:nowhere")
    assert succeeds(root, "diff", "--cached", "--quiet")
    with pytest.raises(GitError, match="gone: no such folder"):
        git(root / "gone", "status")


def test_no_message_tells_a_password_and_nobody_is_asked_for_one(root: Path) -> None:
    with pytest.raises(GitError) as caught:
        git(root, "fetch", "https://someone:hidden@127.0.0.1:1/x.git")
    assert "hidden" not in str(caught.value)


def test_it_takes_no_longer_than_it_may(root: Path) -> None:
    git(root, "config", "alias.wait", "!sleep 20")
    with pytest.raises(GitError, match="git wait: no answer within 0 s"):
        git(root, "wait", timeout_seconds=0.2)


def test_a_hooks_variables_do_not_lead_elsewhere(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert git(root, "rev-parse", "--show-toplevel") == str(root.resolve())


def test_a_push_that_lost_a_race_is_told_apart(root: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "o.git")], check=True)
    for message in ("one", "two"):
        git(root, "commit", "-q", "--allow-empty", "-m", message)
    git(root, "push", "-q", str(tmp_path / "o.git"), "HEAD:refs/heads/main")
    git(root, "reset", "-q", "--hard", "HEAD~1")
    git(root, "commit", "-q", "--allow-empty", "-m", "other")
    with pytest.raises(PushRefusedError, match=r"\[rejected\]"):
        git(root, "push", "--porcelain", str(tmp_path / "o.git"), "HEAD:refs/heads/main")
    with pytest.raises(GitError, match="nowhere"):
        git(root, "push", "--porcelain", str(tmp_path / "nowhere.git"), "HEAD:refs/heads/main")
