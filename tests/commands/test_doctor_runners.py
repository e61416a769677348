"""Settings of the GPU runner that only GitHub knows: what `padstal doctor` says of right, wrong and unreadable ones."""

import re
from typing import Any

import pytest

from padstal.commands.doctor_runners import WORKFLOW, faults
from padstal.reporting.github import GitHub, GitHubError

SET = {"GITHUB_REPOSITORY": "owner/padstal", "GITHUB_TOKEN": "token", "GITHUB_API_URL": "https://api.example"}
GROUPS = "/orgs/owner/actions/runner-groups"
RUNNER = {"name": "one", "labels": [{"name": "gpu"}], "ephemeral": True}
LASTING = RUNNER | {"name": "old", "ephemeral": False}
ENVIRONMENT: dict[str, Any] = {
    "protection_rules": [{"type": "required_reviewers", "reviewers": [{"type": "User"}]}],
    "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
}
GROUP = {
    "id": 7,
    "name": "gpu-training",
    "visibility": "selected",
    "restricted_to_workflows": True,
    "selected_workflows": [f"owner/padstal/{WORKFLOW}"],
}
APPROVAL, POLICIES = "environments/gpu-training", "environments/gpu-training/deployment-branch-policies"
RIGHT: dict[str, Any] = {
    APPROVAL: ENVIRONMENT,
    POLICIES: {"branch_policies": [{"name": "main"}]},
    "branches": [{"name": "main"}],
    GROUPS: {"runner_groups": [{"id": 1, "name": "Default"}, GROUP]},
    f"{GROUPS}/7/repositories": {"repositories": [{"full_name": "owner/padstal"}]},
    f"{GROUPS}/7/runners": {"runners": [RUNNER]},
    "actions/runners": {"runners": [RUNNER, {"name": "cpu", "labels": []}]},
}


def said(monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any] | None = None) -> dict[str, str]:
    """What is found where GitHub answers as it should, but for the addresses in `changed`."""
    answers = RIGHT | (changed or {})

    def send(_: GitHub, method: str, address: str, content: Any = None) -> Any:
        answer = answers[address.partition("?")[0]]
        if isinstance(answer, GitHubError):
            raise answer
        return answer

    monkeypatch.setattr(GitHub, "send", send)
    return dict(faults(SET))


def group(**changed: Any) -> dict[str, Any]:
    return {GROUPS: {"runner_groups": [GROUP | changed]}}


PROTECTED = {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}}


@pytest.mark.parametrize("changed", [{}, {APPROVAL: ENVIRONMENT | PROTECTED}])
def test_right_settings_are_right(monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]) -> None:
    names = ("GPU approval", "GPU runner group", "GPU runners")
    assert said(monkeypatch, changed) == dict.fromkeys(names, "")


@pytest.mark.parametrize(
    ("what", "changed", "message"),
    [
        ("approval", {APPROVAL: ENVIRONMENT | {"protection_rules": []}}, "nobody must approve"),
        (
            "approval",
            {APPROVAL: ENVIRONMENT | {"protection_rules": [{"type": "required_reviewers", "reviewers": []}]}},
            "nobody must approve",
        ),
        ("approval", {APPROVAL: ENVIRONMENT | {"deployment_branch_policy": None}}, "open to any branch"),
        ("approval", {POLICIES: {"branch_policies": [{"name": "*"}]}}, "open to \\*; expected main alone"),
        ("approval", {POLICIES: {"branch_policies": []}}, "expected main alone"),
        (
            "approval",
            {APPROVAL: ENVIRONMENT | PROTECTED, "branches": [{"name": "main"}, {"name": "old"}]},
            "open to main, old",
        ),
        ("runner group", group(restricted_to_workflows=False), "open to any workflow"),
        ("runner group", group(selected_workflows=["owner/padstal/x@main"]), "open to owner/padstal/x@main"),
        ("runner group", group(visibility="all"), "open to all repositories; expected owner/padstal alone"),
        ("runner group", {f"{GROUPS}/7/repositories": {"repositories": [{"full_name": "owner/b"}]}}, "to owner/b"),
        ("runner group", {GROUPS: {"runner_groups": []}}, "no runner group"),
        ("runners", {"actions/runners": {"runners": [LASTING]}}, "not ephemeral: old"),
        ("runner group", {f"{GROUPS}/7/runners": {"runners": [RUNNER, LASTING]}}, "not ephemeral: old"),
    ],
)
def test_a_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, what: str, changed: dict[str, Any], message: str
) -> None:
    found = said(monkeypatch, changed)
    assert re.search(message, found.pop(f"GPU {what}"))
    assert set(found.values()) == {""}


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("approval", {APPROVAL: ENVIRONMENT | {"protection_rules": None}}),
        ("approval", {APPROVAL: []}),
        ("approval", {APPROVAL: None}),
        ("runner group", group(selected_workflows=None)),
        ("runner group", {GROUPS: []}),
        ("runner group", {GROUPS: GitHubError("GET: status 403")}),
        ("runner group", {GROUPS: {"runner_groups": [{}]}}),
        ("runners", {"actions/runners": {"runners": [{"labels": None}]}}),
    ],
)
def test_what_github_does_not_say_is_looked_up_by_hand(
    monkeypatch: pytest.MonkeyPatch, what: str, changed: dict[str, Any]
) -> None:
    assert re.match("GitHub does not say: .*; look by hand", said(monkeypatch, changed)[f"GPU {what}"])


def test_nobody_is_asked_without_a_token() -> None:
    assert list(faults({})) == []
