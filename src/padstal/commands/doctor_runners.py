"""What of our own GPU runner lies in GitHub's settings and in no file; docs/runners.md says how to make them.

environment gpu-training     someone must approve each run; runs from main alone
runner group gpu-training    of this repository; bound to train.yml as it is on main, open to no other workflow
its runners                  ephemeral: one job each, so that none leaves anything for the next
"""

from collections.abc import Iterable, Iterator, Mapping
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
        except (AttributeError, LookupError, TypeError):
            yield f"GPU {what}", "GitHub does not say: an answer of another form; look by hand, docs/runners.md"


def _approval(github: GitHub) -> str:
    found = github.send("GET", f"environments/{NAME}")
    rules = [rule for rule in found["protection_rules"] if rule["type"] == "required_reviewers"]
    if not any(rule["reviewers"] for rule in rules):
        return f"environment {NAME}: nobody must approve a run; expected required reviewers"
    policy, branches = found["deployment_branch_policy"], ["any branch"]
    if policy and policy["custom_branch_policies"]:
        allowed = github.pages(f"environments/{NAME}/deployment-branch-policies", "branch_policies")
        branches = [str(one["name"]) for one in allowed]
    elif policy and policy["protected_branches"]:
        branches = [str(one["name"]) for one in github.pages("branches", protected="true")]
    if branches == ["main"]:
        return ""
    return f"environment {NAME}: open to {', '.join(branches) or 'none'}; expected main alone"


def _group(github: GitHub) -> str:
    groups = f"/orgs/{github.repository.partition('/')[0]}/actions/runner-groups"
    group = next((one for one in github.pages(groups, "runner_groups") if one["name"] == NAME), None)
    if group is None:
        return f"no runner group {NAME}"
    repositories, workflows = [f"{group['visibility']} repositories"], ["any workflow"]
    if group["visibility"] == "selected":
        chosen = github.pages(f"{groups}/{group['id']}/repositories", "repositories")
        repositories = [str(one["full_name"]) for one in chosen]
    if repositories != [github.repository]:
        return f"runner group {NAME}: open to {', '.join(repositories) or 'none'}; expected {github.repository} alone"
    if group["restricted_to_workflows"]:
        workflows = list(group["selected_workflows"])
    if workflows != [f"{github.repository}/{WORKFLOW}"]:
        return f"runner group {NAME}: open to {', '.join(workflows)}; expected {WORKFLOW} alone"
    return _lasting(github.pages(f"{groups}/{group['id']}/runners", "runners"))


def _runners(github: GitHub) -> str:
    own = github.pages("actions/runners", "runners")
    return _lasting(one for one in own if any(label["name"] == "gpu" for label in one["labels"]))


def _lasting(runners: Iterable[Mapping[str, Any]]) -> str:
    lasting = [str(one["name"]) for one in runners if not one.get("ephemeral")]
    return f"not ephemeral: {', '.join(lasting)}; register them with --ephemeral" if lasting else ""
