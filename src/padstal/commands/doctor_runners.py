"""What of our own GPU runner lies in GitHub's settings and in no file; docs/runners.md says how to make them.

environment gpu-training     someone must approve each run; runs from main alone
runner group gpu-training    bound to train.yml as it is on main; open to no other workflow
its runners                  ephemeral: one job each, so that none leaves anything for the next
"""

from collections.abc import Iterator, Mapping
from typing import Any

from padstal.reporting.github import GitHub, GitHubError

NAME = "gpu-training"
"""Of the environment and of the runner group, as train.yml has them."""
WORKFLOW = ".github/workflows/train.yml@refs/heads/main"


def faults(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(What, what is wrong) for each setting that is not as it must be; "" where it is, a note where GitHub won't say.

    Nothing where `GITHUB_REPOSITORY` and `GITHUB_TOKEN` are not set: then nobody can be asked.
    """
    repository, token = environment.get("GITHUB_REPOSITORY", ""), environment.get("GITHUB_TOKEN", "")
    if not (repository and token):
        return
    github = GitHub(environment.get("GITHUB_API_URL") or "https://api.github.com", repository, token)
    for what, check in (("approval", _approval), ("runner group", _group), ("runners", _runners)):
        try:
            yield f"GPU {what}", check(github)
        except GitHubError as error:
            yield f"GPU {what}", f"GitHub does not say: {error}; look by hand, docs/runners.md"


def _approval(github: GitHub) -> str:
    found = github.send("GET", f"environments/{NAME}")
    kinds = {rule.get("type") for rule in found.get("protection_rules", ())}
    if "required_reviewers" not in kinds:
        return f"environment {NAME}: nobody must approve a run; expected required reviewers"
    branches = found.get("deployment_branch_policy") or {}
    if not (branches.get("protected_branches") or branches.get("custom_branch_policies")):
        return f"environment {NAME}: any branch may use it; expected main alone"
    return ""


def _group(github: GitHub) -> str:
    owner = github.repository.partition("/")[0]
    groups = github.send("GET", f"/orgs/{owner}/actions/runner-groups").get("runner_groups", ())
    group: Mapping[str, Any] | None = next((one for one in groups if one.get("name") == NAME), None)
    if group is None:
        return f"no runner group {NAME}"
    allowed = group.get("selected_workflows", ())
    if not group.get("restricted_to_workflows") or list(allowed) != [f"{github.repository}/{WORKFLOW}"]:
        return f"runner group {NAME}: open to {', '.join(allowed) or 'any workflow'}; expected {WORKFLOW} alone"
    return ""


def _runners(github: GitHub) -> str:
    lasting = [
        str(runner.get("name"))
        for runner in github.pages("actions/runners", "runners")
        if not runner.get("ephemeral") and any(label.get("name") == "gpu" for label in runner.get("labels", ()))
    ]
    return f"not ephemeral: {', '.join(lasting)}; register them with --ephemeral" if lasting else ""
