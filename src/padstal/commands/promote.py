"""`padstal promote`: carry out a decision, tags and pull request; run again, it does what is left to do."""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from padstal.commands.project import params_of
from padstal.operations.promotion import decision, pull_request, register
from padstal.operations.promotion import promote as carry_out
from padstal.operations.promotion.decision import Decision
from padstal.operations.promotion.explain import markdown
from padstal.operations.promotion.promote import PromotionResult
from padstal.reporting.github import GitHubError


def run(
    root: Path,
    decision_file: Path,
    branch: str | None,
    as_json: bool,
    environment: Mapping[str, str] = os.environ,
) -> int:
    """Promote, if the gate said so; a decision against it is no failure.

    Raises:
        FileNotFoundError: There is no decision.
        ValueError: The decision is not genuine, not about this commit, or was taken against another champion; the
            repository is not ready; the DVC remote lacks weights; the git remote refused.
    """
    params = params_of(root, None)[1].promote
    found_decision, digest = decision.read(decision_file)
    if not found_decision.verdict.promote:
        _tell_refusal(found_decision, as_json)
        return 0
    forge = pull_request.forge_of(environment) if params.pull_request == "github" else None
    found = register.read(root, found_decision.model)
    done = carry_out.carried_out(found, digest)
    if done is None:
        if params.gate != found_decision.thresholds:
            raise ValueError("promote in params.yaml has other thresholds than the decision: challenge again")
        done = carry_out.promote(root, found_decision, digest, found, branch, params.base)
    tell(done, as_json, "promoted")
    if forge is None or not done.branch:
        return 0
    try:
        title = f"Promote {done.model} {done.version}"
        body = f"{markdown(found_decision)}\nDecision `sha256:{digest}`, kept in the tag's message.\n"
        number, new = pull_request.ensure(forge, done.branch, params.base, title, body)
    except GitHubError as error:
        print(
            f"padstal: {done.model} {done.version} is champion, but its pull request could not be opened ({error}); "
            "run this again to open it",
            file=sys.stderr,
        )
        return 1
    if not as_json:
        print(f"pull request #{number} {'opened' if new else 'was there already'}: {done.branch} → {params.base}")
    return 0


def tell(done: PromotionResult, as_json: bool, what: str) -> None:
    """Say what the remote holds now."""
    if as_json:
        print(json.dumps({what: True, **asdict(done)}))
    else:
        by = f"assignment {done.number}, commit {done.commit[:12]}"
        print(f"{done.model} {done.version} is champion {'now' if done.new else 'already'} ({by})")


def _tell_refusal(found: Decision, as_json: bool) -> None:
    answer: dict[str, Any] = {"promoted": False, "model": found.model, "summary": found.verdict.summary}
    print(json.dumps(answer) if as_json else f"Nothing is promoted.\n\n{markdown(found)}")
