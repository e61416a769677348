"""Files of a revision come out as they were committed, without a checkout."""

from pathlib import Path

import pytest
from tests.reporting.comparison.revisions import commit, git, write

from padstal.core import revisions
from padstal.core.git import GitError
from padstal.core.revisions import open_tree


@pytest.fixture
def root(tmp_path: Path) -> Path:
    commit(tmp_path, {"params.yaml": "first", "reports/demo/metrics/a.json": "{}", "reports/demo/metrics/x.txt": "-"})
    commit(tmp_path, {"params.yaml": "second", "reports/demo/metrics/[b].json": "{}"}, "The second")
    return tmp_path


def test_each_revision_has_its_own_bytes_and_nothing_is_checked_out(root: Path) -> None:
    write(root, {"params.yaml": "edited"})
    assert open_tree(root, "HEAD~1").read("params.yaml") == b"first"
    assert open_tree(root, "main").read("params.yaml") == b"second"
    assert open_tree(root, "workspace").read("params.yaml") == b"edited"
    assert (root / "params.yaml").read_text() == "edited"


def test_a_revision_knows_its_commit(root: Path) -> None:
    found = open_tree(root, "HEAD")
    assert (found.commit, found.changed) == (git(root, "rev-parse", "HEAD"), False)
    assert not open_tree(root, "workspace").changed
    write(root, {"params.yaml": "edited"})
    assert open_tree(root, "workspace").changed


@pytest.mark.parametrize("name", ["HEAD", "workspace"])
def test_only_files_right_in_the_folder_with_the_ending_are_listed(root: Path, name: str) -> None:
    commit(root, {"reports/demo/metrics/deep/c.json": "{}"})
    found = open_tree(root, name)
    assert found.files("reports/demo/metrics", ".json") == [
        "reports/demo/metrics/[b].json",
        "reports/demo/metrics/a.json",
    ]
    assert found.read("reports/demo/metrics/[b].json") == b"{}"
    assert found.files("no/such/folder", ".json") == []


@pytest.mark.parametrize("name", ["HEAD", "workspace"])
def test_what_is_missing_a_link_a_folder_or_too_large_counts_as_absent(
    root: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "link.json").symlink_to("params.yaml")
    commit(root, {"large.json": "12345"})
    monkeypatch.setattr(revisions, "LARGEST_FILE", 4)
    found = open_tree(root, name)
    assert [found.read(path) for path in ("none", "link.json", "reports", "large.json")] == [None] * 4


@pytest.mark.parametrize("name", ["nosuch", "--help", "HEAD:params.yaml", "", "-n1", "a..b"])
def test_what_is_no_revision_is_refused_by_name(root: Path, name: str) -> None:
    with pytest.raises(GitError, match="no such revision"):
        open_tree(root, name)


def test_a_folder_without_git_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(GitError, match="expected a git repository"):
        open_tree(tmp_path, "HEAD")
