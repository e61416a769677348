"""A run's branch: what its stages record (manifest, `dvc.lock`, metrics) is committed there and pushed, stage by stage.

Whoever works on a branch (the run that was killed, the next one, a GPU worker) only ever adds to it, so nothing is
forced: a branch that has moved on is joined, keeping the records of both sides.
"""

import time
from collections.abc import Callable
from pathlib import Path

from padstal.core.dvc_lock import LOCK, compose, stage_texts
from padstal.core.git import GitError, PushRefusedError, blobs, git, succeeds, try_git

RECORDS = ("data/", "models/", "reports/")
"""Where stages write what git keeps, besides `dvc.lock`."""
PUSH_TRIES = 6
PUSH_SECONDS = 2.0
"""Between a push that lost a race and the next, times the number of tries."""
LOST_RACE = ("[rejected]", "non-fast-forward", "fetch first", "cannot lock ref")


def commit_all(root: Path, message: str) -> bool:
    """Commit all that changed and is not ignored; whether there was anything."""
    git(root, "add", "--all")
    if succeeds(root, "diff", "--cached", "--quiet"):
        return False
    git(root, "commit", "-q", "--no-verify", "-m", message)
    return True


def head(root: Path) -> str:
    """The commit that is checked out."""
    return git(root, "rev-parse", "HEAD")


def tip(root: Path, branch: str) -> str | None:
    """Last known commit of a branch of `origin`."""
    return try_git(root, "rev-parse", "-q", "--verify", f"refs/remotes/origin/{branch}") or None


def fetch(root: Path) -> None:
    """Learn what the branches and tags of `origin` are now."""
    git(root, "fetch", "-q", "--prune", "--tags", "origin")


def push(root: Path, branch: str, say: Callable[[str], None] = lambda _: None) -> None:
    """Make `branch` of `origin` hold what is committed here, joined with what others have pushed meanwhile.

    Raises:
        GitError: It was refused for another reason than a lost race, or races were lost `PUSH_TRIES` times.
    """
    for attempt in range(1, PUSH_TRIES + 1):
        try:
            git(root, "push", "-q", "--porcelain", "origin", f"HEAD:refs/heads/{branch}")
            return
        except PushRefusedError as refused:
            if attempt == PUSH_TRIES or not any(word in str(refused) for word in LOST_RACE):
                raise
        say(f"{branch} has moved on meanwhile; joining it (try {attempt} of {PUSH_TRIES})")
        time.sleep(PUSH_SECONDS * attempt)
        fetch(root)
        if found := tip(root, branch):
            join(root, found)


def join(root: Path, theirs: str) -> None:
    """Bring `theirs` into what is checked out, of which all is committed.

    What this side has recorded since the two parted (files, entries of `dvc.lock`) stays; all else is theirs. DVC
    checks every entry against the code and data that it then finds, so one that no longer fits only costs a run.
    """
    base = try_git(root, "merge-base", "HEAD", theirs)
    if not base:
        raise GitError(f"{theirs} and HEAD have no common commit: the repository's history was rewritten")
    ours = head(root)
    if base == git(root, "rev-parse", f"{theirs}^{{commit}}"):
        return
    if base == ours:
        git(root, "reset", "-q", "--hard", theirs)
        return
    changed = git(root, "diff", "--name-only", "-z", "--no-renames", base, ours).split("\0")
    locks = blobs(root, [f"{commit}:{LOCK}" for commit in (base, ours, theirs)])
    lock = _merged_lock(*(stage_texts((content or b"").decode()) for content in locks))
    git(root, "reset", "-q", "--hard", theirs)
    for path in filter(None, changed):
        if succeeds(root, "cat-file", "-e", f"{ours}:{path}"):
            git(root, "checkout", "-q", ours, "--", path)
        else:
            git(root, "rm", "-q", "-f", "--ignore-unmatch", "--", path)
    if LOCK in changed:
        (root / LOCK).write_text(lock, encoding="utf-8")
        git(root, "add", LOCK)
    message = f"Join {theirs[:12]}, keeping what this run recorded"
    merged = git(root, "commit-tree", git(root, "write-tree"), "-p", ours, "-p", theirs, "-m", message)
    git(root, "reset", "-q", "--hard", merged)


def only_records(root: Path, older: str, newer: str) -> bool:
    """Whether `newer` descends from `older` and differs in nothing but what stages record."""
    if not succeeds(root, "merge-base", "--is-ancestor", older, newer):
        return False
    paths = git(root, "diff", "--name-only", "-z", older, newer).split("\0")
    return all(path == LOCK or path.startswith(RECORDS) for path in paths if path)


def _merged_lock(base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> str:
    """Their lock, with our entry of every stage that we recorded."""
    return compose({**theirs, **{stage: text for stage, text in ours.items() if text != base.get(stage)}}.values())
