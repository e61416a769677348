"""`make post-comment`: keep one comment on a pull request, made from what its own untrusted run left behind.

It runs in a `workflow_run` job with the right to comment, from the default branch's code, and executes nothing of the
pull request. The artefact, which the workflow downloads beside the checkout, is hostile: it is limited in length, read
strictly as a record, and rendered here; it chooses neither the pull request (that is the open one whose head is the
commit of the event) nor any link. Standard library alone, so that the job installs nothing:
`python -m padstal.commands.post_comment`.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.reporting.comparison.markdown import Media, render_markdown
from padstal.reporting.comparison.record import LARGEST_RECORD, RecordError, read_record
from padstal.reporting.github import GitHub, GitHubError

WORKFLOW = ".github/workflows/reproduce.yml"
ARTEFACT, RECORD = "comparison", "comparison.json"
MARKER = "<!-- padstal compare -->"
AUTHOR = "github-actions[bot]"
ENDED = ("success", "failure", "cancelled", "timed_out", "startup_failure")
"""Conclusions of a run that are told; a run that waits for an approval, for one, has not begun."""
_REPORT = re.compile(r"https://[\w.-]+(?::\d+)?/[\w./?=&%+~-]*")


class EventError(ValueError):
    """The event is not one to comment on, or the environment lacks what it takes."""


@dataclass(frozen=True)
class Event:
    """The run that finished, as GitHub itself tells it."""

    run: int
    conclusion: str | None
    head_sha: str
    head_owner: str
    head_branch: str


def run(environment: Mapping[str, str]) -> int:
    """Post or update the comment.

    Raises:
        EventError: The event is no finished run of `reproduce.yml` for a pull request of this repository.
        GitHubError: GitHub cannot be asked.
    """
    repository = _needed(environment, "GITHUB_REPOSITORY")
    event = read_event(json.loads(Path(_needed(environment, "GITHUB_EVENT_PATH")).read_text("utf-8")), repository)
    if event.conclusion not in ENDED:
        print("the run has no result: nothing to say")
        return 0
    forge = GitHub(_needed(environment, "GITHUB_API_URL"), repository, _needed(environment, "GITHUB_TOKEN"))
    number = pull_request(forge, event)
    if number is None:
        print("no open pull request has this commit as its head any more: nothing to say")
        return 0
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    closing = _closing(f"{server}/{repository}/actions/runs/{event.run}", environment.get("PADSTAL_WANDB_REPORT", ""))
    file = Path(_needed(environment, "RUNNER_TEMP"), ARTEFACT, RECORD)
    print(f"#{number}: {_keep(forge, number, _text(file, event, closing))}")
    return 0


def read_event(payload: Any, repository: str) -> Event:
    """The event's run.

    Raises:
        EventError: It is another workflow's, another repository's, not of a pull request, or of a fork that is gone.
    """
    found = payload["workflow_run"]
    told = {
        "event": found["event"],
        "path": found["path"].partition("@")[0],
        "repository": found["repository"]["full_name"],
    }
    for key, value in (("event", "pull_request"), ("path", WORKFLOW), ("repository", repository)):
        if told[key] != value:
            raise EventError(f"workflow_run.{key}: expected {value}")
    if not found["head_repository"]:
        raise EventError("workflow_run.head_repository: the fork is gone")
    owner = found["head_repository"]["full_name"].partition("/")[0]
    return Event(found["id"], found["conclusion"], found["head_sha"], owner, found["head_branch"])


def pull_request(forge: GitHub, event: Event) -> int | None:
    """The open pull request whose head is the event's commit; `None` if there is none (it moved on or was closed).

    Raises:
        EventError: Several have this head: which one the run was for, only the artefact could say.
    """
    asked = {"state": "open", "head": f"{event.head_owner}:{event.head_branch}"}
    numbers = [one["number"] for one in forge.pages("pulls", **asked) if one["head"]["sha"] == event.head_sha]
    if len(numbers) > 1:
        raise EventError(f"pull requests {', '.join(map(str, numbers))} all have this head: expected one")
    return numbers[0] if numbers else None


def _text(file: Path, event: Event, closing: str) -> str:
    """The comment on the record that the workflow has got out of the run's artefact."""
    try:
        if not file.is_file():
            raise RecordError(f"the run left no artefact {ARTEFACT} with a {RECORD}")
        with open(file, "rb") as opened:
            comparison = read_record(opened.read(LARGEST_RECORD + 1))
    except RecordError as error:
        return f"{MARKER}\n## padstal: no comparison\n\nThe run ended with: {event.conclusion}. {error}.\n\n{closing}\n"
    told = "" if event.conclusion == "success" else "\n\n**The run did not succeed; what follows may be incomplete.**"
    return f"{MARKER}\n{render_markdown(comparison, Media(closing=closing + told))}"


def _keep(forge: GitHub, number: int, body: str) -> str:
    """Update our comment, or write the first one; another's comment is never taken for ours."""
    for comment in forge.pages(f"issues/{number}/comments"):
        author = comment["user"] or {}  # nobody, where an account is gone
        if author.get("login") == AUTHOR and comment["body"].startswith(MARKER):
            forge.send("PATCH", f"issues/comments/{comment['id']}", {"body": body})
            return "comment updated"
    forge.send("POST", f"issues/{number}/comments", {"body": body})
    return "comment written"


def _closing(run_address: str, report: str) -> str:
    """Links of ours: the run with its artefacts (pictures, sounds), and the tracker's report if one is configured.

    Raises:
        EventError: The configured address is no https address.
    """
    links = [f"[The run]({run_address}), with plots and sounds among its artefacts"]
    if report:
        if not _REPORT.fullmatch(report):
            raise EventError("PADSTAL_WANDB_REPORT: expected an https address")
        links.append(f"[W&B report]({report})")
    said = " · ".join(links)
    return f"<sub>{said}. The figures come from the pull request's own run and are as trustworthy as its code.</sub>"


def _needed(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise EventError(f"{name}: not set; GitHub Actions sets it")
    return environment[name]


if __name__ == "__main__":
    try:
        sys.exit(run(os.environ))
    except (EventError, GitHubError) as error:
        sys.exit(f"post-comment: {error}")
