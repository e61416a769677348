"""`padstal promote`: carry out a decision, tags and pull request; run again, it does what is left to do."""

import os
import sys
from pathlib import Path

from padstal.commands.project import params_of
from padstal.operations.promotion import decision, pull_request, register
from padstal.operations.promotion import promote as carry_out
from padstal.operations.promotion.explain import markdown
from padstal.operations.promotion.register import Register
from padstal.reporting.github import GitHubError


def run(root: Path, decision_file: Path) -> int:
    """Promote, if the gate said so; a decision against it is no failure.

    Raises:
        FileNotFoundError: There is no decision.
        ValueError: The decision is not genuine, not about this commit, or was taken against another champion; the
            repository is not ready; the DVC remote lacks weights; the git remote refused.
    """
    params = params_of(root, None)[1].promote
    decided, digest = decision.read(decision_file)
    if not decided.verdict.promote:
        print(f"Nothing is promoted.\n\n{markdown(decided)}")
        return 0
    forge = pull_request.forge_of(os.environ) if params.pull_request == "github" else None
    found = register.read(root, decided.model)
    there = carry_out.carried_out(found, digest) is not None
    if not there:
        if params.gate != decided.thresholds:
            raise ValueError("promote in params.yaml has other thresholds than the decision: challenge again")
        found = carry_out.promote(root, decided, digest, found, params.base)
    version = tell(found, "already" if there else "now")
    branch = str(found.assignments[-1].record.get("branch", ""))
    if forge is None or not branch:
        return 0
    try:
        body = f"{markdown(decided)}\nDecision `sha256:{digest}`, kept in the tag's message.\n"
        number, new = pull_request.ensure(forge, branch, params.base, f"Promote {version}", body)
    except GitHubError as error:
        print(
            f"padstal: {version} is champion, but its pull request could not be opened ({error}); run this again to "
            "open it",
            file=sys.stderr,
        )
        return 1
    print(f"pull request #{number} {'opened' if new else 'was there already'}: {branch} → {params.base}")
    return 0


def tell(found: Register, since: str) -> str:
    """Say who is champion, "now" or "already"; gives the version with its model's name."""
    assignment, champion = found.assignments[-1], found.champion
    version = f"{found.model} {champion.version if champion else 'nobody'}"
    print(f"{version} is champion {since} (assignment {assignment.number}, commit {assignment.commit[:12]})")
    return version
