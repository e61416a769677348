"""Settings of the GPU runner that only GitHub knows: what `padstal doctor` says of right, wrong and unreadable ones."""

from typing import Any

import pytest

from padstal.commands.doctor_runners import WORKFLOW, faults
from padstal.reporting.github import GitHub, GitHubError

SET = {"GITHUB_REPOSITORY": "owner/padstal", "GITHUB_TOKEN": "token", "GITHUB_API_URL": "https://api.example"}
GPU = [{"name": "gpu"}]
RIGHT: dict[str, Any] = {
    "environments/gpu-training": {
        "protection_rules": [{"type": "required_reviewers"}],
        "deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False},
    },
    "orgs/owner/actions/runner-groups": {
        "runner_groups": [
            {
                "name": "gpu-training",
                "restricted_to_workflows": True,
                "selected_workflows": [f"owner/padstal/{WORKFLOW}"],
            }
        ]
    },
    "actions/runners": {"runners": [{"name": "one", "labels": GPU, "ephemeral": True}, {"name": "cpu", "labels": []}]},
}


def said(monkeypatch: pytest.MonkeyPatch, **changed: Any) -> dict[str, str]:
    """What is found where GitHub answers as it should, but for the last parts of addresses that `changed` names."""

    def send(_: GitHub, method: str, address: str, content: Any = None) -> Any:
        path = next(path for path in RIGHT if path in address)
        answer = changed.get(path.rpartition("/")[2].replace("-", "_"), RIGHT[path])
        if answer is None:
            raise GitHubError(f"{method} {path}: status 403")
        return answer

    monkeypatch.setattr(GitHub, "send", send)
    return dict(faults(SET))


def test_right_settings_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(monkeypatch) == {"GPU approval": "", "GPU runner group": "", "GPU runners": ""}


def test_wrong_settings_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = said(
        monkeypatch,
        gpu_training={"protection_rules": [], "deployment_branch_policy": None},
        runner_groups={"runner_groups": [{"name": "gpu-training", "restricted_to_workflows": False}]},
        runners={"runners": [{"name": "old", "labels": GPU, "ephemeral": False}]},
    )
    assert "nobody must approve" in wrong["GPU approval"]
    assert "open to any workflow" in wrong["GPU runner group"]
    assert "not ephemeral: old" in wrong["GPU runners"]
    other = {"name": "gpu-training", "restricted_to_workflows": True, "selected_workflows": ["owner/padstal/x@main"]}
    assert (
        "open to owner/padstal/x@main"
        in said(monkeypatch, runner_groups={"runner_groups": [other]})["GPU runner group"]
    )
    assert "no runner group" in said(monkeypatch, runner_groups={"runner_groups": []})["GPU runner group"]


def test_what_github_does_not_say_is_looked_up_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "does not say: GET" in said(monkeypatch, runner_groups=None)["GPU runner group"]
    assert list(faults({})) == []
