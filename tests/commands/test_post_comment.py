"""One comment on the right pull request, whatever the artefact holds; asked of a GitHub on this machine."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.commands.forge import REPOSITORY, SHA, Forge, comment, served
from tests.contracts.repository import imported_modules, reached
from tests.reporting.comparison.test_compare import compared
from tests.reporting.comparison.test_markdown import hostile

from padstal.commands import post_comment
from padstal.commands.post_comment import MARKER, EventError, read_event, run
from padstal.reporting.comparison.record import LARGEST_RECORD, write_record
from padstal.reporting.github import GitHubError

TOKEN = "token-of-the-job"


@pytest.fixture
def forge() -> Iterator[Forge]:
    with served(Forge(artefact=write_record(compared()).encode())) as running:
        yield running


def event(**changes: Any) -> dict[str, Any]:
    found = {
        "id": 99,
        "event": "pull_request",
        "path": ".github/workflows/reproduce.yml",
        "conclusion": "success",
        "head_sha": SHA,
        "head_branch": "topic",
        "head_repository": {"full_name": "stranger/fork"},
        "repository": {"full_name": REPOSITORY},
        "pull_requests": [],
    }
    return {"workflow_run": {**found, **changes}}


def post(forge: Forge, tmp_path: Path, told: dict[str, Any] | None = None, **environment: str) -> int:
    file = tmp_path / "event.json"
    file.write_text(json.dumps(told or event()))
    record = tmp_path / "comparison" / "comparison.json"
    if forge.artefact is not None:
        record.parent.mkdir(exist_ok=True)
        record.write_bytes(forge.artefact)
    return run(
        {
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_EVENT_PATH": str(file),
            "GITHUB_API_URL": forge.api,
            "GITHUB_SERVER_URL": "https://forge.example",
            "GITHUB_TOKEN": TOKEN,
            "RUNNER_TEMP": str(tmp_path),
            **environment,
        }
    )


def test_the_first_run_writes_a_comment_and_the_next_ones_update_it(forge: Forge, tmp_path: Path) -> None:
    assert post(forge, tmp_path) == 0
    [first] = forge.comments
    assert first["body"].startswith(f"{MARKER}\n## padstal")
    assert "8 unchanged (of 8)" in first["body"]
    assert "(https://forge.example/owner/padstal/actions/runs/99)" in first["body"]
    forge.artefact = write_record(hostile()).encode()
    assert post(forge, tmp_path) == 0
    [second] = forge.comments
    assert "8 unchanged" not in second["body"]


def test_an_own_comment_is_found_on_any_page_and_no_other_is_touched(forge: Forge, tmp_path: Path) -> None:
    forge.comments = [comment(f"{MARKER} planted", login="stranger", kind="User", number=1)]
    forge.comments += [comment("talk", login="someone", kind="User", number=number) for number in range(2, 130)]
    forge.comments += [comment(f"{MARKER} old", number=130)]
    assert post(forge, tmp_path) == 0
    assert len(forge.comments) == 130
    assert forge.comments[0]["body"] == f"{MARKER} planted"
    assert "## padstal" in forge.comments[-1]["body"]


def test_the_pull_request_comes_from_the_event(forge: Forge, tmp_path: Path) -> None:
    """The artefact has a place for no number at all; the open pull request with the event's commit is meant."""
    forge.pulls = [{"number": 3, "head": {"sha": "6" * 40}}, {"number": 7, "head": {"sha": SHA}}]
    assert post(forge, tmp_path) == 0
    assert [path for method, path, _ in forge.asked if method == "POST"] == [f"/repos/{REPOSITORY}/issues/7/comments"]


@pytest.mark.parametrize("pulls", [[], [{"number": 7, "head": {"sha": "6" * 40}}]])
def test_a_pull_request_that_moved_on_gets_no_comment(
    forge: Forge, tmp_path: Path, pulls: list[dict[str, Any]]
) -> None:
    forge.pulls = pulls
    assert post(forge, tmp_path) == 0
    assert forge.comments == []


def test_two_pull_requests_of_one_commit_are_refused(forge: Forge, tmp_path: Path) -> None:
    forge.pulls = [{"number": 7, "head": {"sha": SHA}}, {"number": 8, "head": {"sha": SHA}}]
    with pytest.raises(EventError, match="pull requests 7, 8 all have this head"):
        post(forge, tmp_path)


@pytest.mark.parametrize(
    ("artefact", "said"),
    [
        (None, "the run left no artefact comparison"),
        (b"not json", "the record is no JSON"),
        (b"{}", "the record is not of format"),
        (b" " * (LARGEST_RECORD + 9), "the record has 1048577 bytes: expected at most 1048576"),
    ],
    ids=["none", "no-json", "no-format", "long"],
)
def test_a_broken_artefact_is_reported_in_our_own_words(
    forge: Forge, tmp_path: Path, artefact: bytes | None, said: str
) -> None:
    forge.artefact = artefact
    assert post(forge, tmp_path, event(conclusion="failure")) == 0
    [written] = forge.comments
    assert "no comparison" in written["body"]
    assert "ended with: failure" in written["body"]
    assert said in written["body"]


def test_a_run_that_failed_is_marked_even_if_it_left_a_record(forge: Forge, tmp_path: Path) -> None:
    post(forge, tmp_path, event(conclusion="failure"))
    assert "The run did not succeed" in forge.comments[0]["body"]


@pytest.mark.parametrize("conclusion", ["action_required", "skipped", "<b>", None])
def test_a_run_without_a_result_is_not_told(forge: Forge, tmp_path: Path, conclusion: str | None) -> None:
    assert post(forge, tmp_path, event(conclusion=conclusion)) == 0
    assert forge.asked == []


@pytest.mark.parametrize(
    "changes",
    [
        {"event": "push"},
        {"event": "workflow_dispatch"},
        {"path": ".github/workflows/other.yml"},
        {"repository": {"full_name": "other/padstal"}},
        {"head_repository": None},
    ],
)
def test_another_event_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        read_event(event(**changes), REPOSITORY)
    assert read_event(event(), REPOSITORY).run == 99


def test_a_branch_of_any_name_stays_one_value_of_the_question(forge: Forge, tmp_path: Path) -> None:
    post(forge, tmp_path, event(head_branch="topic&state=all#/../../x"))
    [asked] = [path for _, path, _ in forge.asked if "/pulls" in path]
    assert "topic%26state%3Dall%23%2F..%2F..%2Fx" in asked


def test_the_tracker_is_linked_only_if_an_https_address_is_configured(forge: Forge, tmp_path: Path) -> None:
    post(forge, tmp_path)
    assert "W&B" not in forge.comments[0]["body"]
    post(forge, tmp_path, PADSTAL_WANDB_REPORT="https://wandb.example/team/padstal/reports/x")
    assert "[W&B report](https://wandb.example/team/padstal/reports/x)" in forge.comments[0]["body"]
    for wrong in ("http://wandb.example/", "javascript:alert(1)", "https://x.example/) [y](https://z.example"):
        with pytest.raises(EventError, match="PADSTAL_WANDB_REPORT"):
            post(forge, tmp_path, PADSTAL_WANDB_REPORT=wrong)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_forge_that_refuses_is_one_error_without_the_token(forge: Forge, tmp_path: Path, status: int) -> None:
    forge.status = status
    with pytest.raises(GitHubError, match=f"status {status}") as raised:
        post(forge, tmp_path)
    assert TOKEN not in str(raised.value)


def test_what_is_not_set_is_named(forge: Forge, tmp_path: Path) -> None:
    with pytest.raises(EventError, match="GITHUB_TOKEN: not set"):
        post(forge, tmp_path, GITHUB_TOKEN="")


def test_the_job_needs_nothing_but_the_standard_library() -> None:
    files = reached(Path(post_comment.__file__))
    outside = {name.split(".")[0] for file in files for name in imported_modules(file)} - set(sys.stdlib_module_names)
    assert outside == {"padstal"}
