"""What our workflows may and may not do, as a function from a workflow to the sentences that it breaks."""

import re
from collections.abc import Iterator
from typing import Any

PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
LOCAL = re.compile(r"(make|padstal) [\w-]+( [A-Z]+=[\w^~./-]+)*")
"""A step is one command that also runs on anyone's machine."""
MINUTES = {"train": 4320, "nightly": 360}
LONGEST_MINUTES = 120
RIGHTS = {"comment.yml": {"contents": "read", "actions": "read", "pull-requests": "write"}}
READ = {"contents": "read"}
FROM_MAIN = "github.ref == 'refs/heads/main'"
STRANGERS_WORDS = re.compile(
    r"github\.(event\.|head_ref|ref_name|actor)|inputs\.|matrix\.|needs\.|steps\.|env\.", re.IGNORECASE
)


def broken(name: str, workflow: dict[Any, Any]) -> Iterator[str]:
    """Sentences of the policy that workflow `name` breaks."""
    triggers = workflow.get(True, workflow.get("on")) or {}  # YAML reads `on` as true
    triggers = (
        {triggers: None}
        if isinstance(triggers, str)
        else dict.fromkeys(triggers) | dict(triggers if isinstance(triggers, dict) else {})
    )
    if "pull_request_target" in triggers:
        yield "pull_request_target runs a stranger's pull request with our rights"
    if workflow.get("permissions") != {}:
        yield "a workflow may do nothing that a job does not ask for"
    if not workflow.get("concurrency") and not all(job.get("concurrency") for job in workflow["jobs"].values()):
        yield "a workflow says what may run at once"
    for job_name, job in workflow["jobs"].items():
        for sentence in _broken_job(name, triggers, job):
            yield f"{job_name}: {sentence}"


def _broken_job(name: str, triggers: dict[str, Any], job: dict[str, Any]) -> Iterator[str]:
    if job.get("permissions") != RIGHTS.get(name, READ):
        yield f"rights {job.get('permissions')}: expected {RIGHTS.get(name, READ)}"
    longest = MINUTES.get(name.removesuffix(".yml"), LONGEST_MINUTES)
    if not 0 < job.get("timeout-minutes", 0) <= longest:
        yield f"expected a timeout of at most {longest} minutes"
    condition = " ".join(str(job.get("if", "")).split())
    strangers = "pull_request" in triggers
    if not re.fullmatch(r"ubuntu-\d\d\.\d\d", str(job.get("runs-on"))):
        yield from _broken_own_machine(triggers, job, condition)
    if "workflow_run" in triggers and "github.event.workflow_run.event == 'pull_request'" not in condition:
        yield "expected to run for pull requests alone"
    for place, step in enumerate(job["steps"], 1):
        for sentence in _broken_step(triggers, step):
            yield f"step {place}: {sentence}"
    if strangers and re.search(r"secrets\b|github\.token|GITHUB_TOKEN", str(job)):
        yield "a pull request's job sees a secret"


def _broken_own_machine(triggers: dict[str, Any], job: dict[str, Any], condition: str) -> Iterator[str]:
    runs_on = job.get("runs-on")
    if set(triggers) != {"workflow_dispatch"}:
        yield "our own machine is asked by hand alone: a pull request may rewrite its workflow"
    if condition != FROM_MAIN:
        yield "our own machine runs main's workflow alone"
    if not isinstance(runs_on, dict) or not runs_on.get("group"):
        yield "our own machine is of a runner group, which can be bound to one file"
    elif "ephemeral" not in runs_on.get("labels", ()):
        yield "our own machine is ephemeral"
    if not job.get("environment"):
        yield "our own machine waits for an approval"


def _broken_step(triggers: dict[str, Any], step: dict[str, Any]) -> Iterator[str]:
    uses, script = str(step.get("uses", "")), str(step.get("run", ""))
    if uses and not PINNED.fullmatch(uses):
        yield f"{uses}: expected the whole name of a commit"
    if uses.startswith("actions/checkout@"):
        options = step.get("with", {})
        if options.get("persist-credentials") is not False:
            yield "a checkout leaves no credentials behind"
        if "workflow_run" in triggers and options.get("ref") != "${{ github.event.repository.default_branch }}":
            yield "a job with rights checks out the default branch"
    if "${{" in script:
        yield "an expression in a script is an injection; pass it by env"
    if script and not LOCAL.fullmatch(script.strip()):
        yield f"{script!r}: expected one `make` or `padstal` command, which runs anywhere"
    if uses and "workflow_run" in triggers and not uses.startswith(("actions/checkout@", "actions/download-artifact@")):
        yield f"{uses}: a job with rights uses no more actions than it must"
    if "download-artifact@" in uses and not str(step.get("with", {}).get("path")).startswith("${{ runner.temp }}/"):
        yield "a stranger's artefact lies beside the checkout"
    if "workflow_run" in triggers and STRANGERS_WORDS.search(str(step.get("env", ""))):
        yield "a job with rights takes a stranger's words from the event's file alone"
