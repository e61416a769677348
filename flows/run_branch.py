"""A run's branch: what its stages record (manifest, `dvc.lock`, metrics) is committed there and pushed, stage by stage.

Whoever works on a branch (the run that was killed, the next one, a GPU worker) only ever adds to it, so nothing is
forced: a branch that has moved on is joined, keeping the records of both sides.
"""

import time
from collections.abc import Callable
from pathlib import Path

import yaml

from flows.git import GitError, git, git_status

LOCK = "dvc.lock"
RECORDS = ("data/", "models/", "reports/")
"""Where stages write what git keeps, besides `dvc.lock`."""
PUSH_TRIES = 6
PUSH_SECONDS = 2.0
"""Between a push that lost a race and the next, times the number of tries."""


def commit_all(root: Path, message: str) -> bool:
    """Commit all that changed and is not ignored; whether there was anything."""
    git(root, "add", "--all")
    if git_status(root, "diff", "--cached", "--quiet")[1] == 0:
        return False
    git(root, "commit", "-q", "--no-verify", "-m", message)
    return True


def head(root: Path) -> str:
    """The commit that is checked out."""
    return git(root, "rev-parse", "HEAD")


def tip(root: Path, branch: str) -> str | None:
    """Last known commit of a branch of `origin`."""
    return git(root, "rev-parse", "-q", "--verify", f"refs/remotes/origin/{branch}", status=(0, 1)) or None


def fetch(root: Path) -> None:
    """Learn what the branches and tags of `origin` are now."""
    git(root, "fetch", "-q", "--prune", "--tags", "origin")


def push(root: Path, branch: str, say: Callable[[str], None] = lambda _: None) -> None:
    """Make `branch` of `origin` hold what is committed here, joined with what others have pushed meanwhile.

    Raises:
        GitError: It was refused for another reason than a lost race, or races were lost `PUSH_TRIES` times.
    """
    for attempt in range(1, PUSH_TRIES + 1):
        said, code = git_status(root, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        if code == 0:
            return
        if not _lost_race(said):
            break
        say(f"{branch} has moved on meanwhile; joining it (try {attempt} of {PUSH_TRIES})")
        time.sleep(PUSH_SECONDS * attempt)
        fetch(root)
        if found := tip(root, branch):
            join(root, found)
    raise GitError(f"git push of {branch} failed: {said[-600:].strip()}")


def join(root: Path, theirs: str) -> None:
    """Bring `theirs` into what is checked out, of which all is committed.

    What this side has recorded since the two parted (files, entries of `dvc.lock`) stays; all else is theirs. DVC
    checks every entry against the code and data that it then finds, so one that no longer fits only costs a run.
    """
    base, code = git_status(root, "merge-base", "HEAD", theirs)
    base = base.strip()
    if code != 0:
        raise GitError(f"{theirs} and HEAD have no common commit: the repository's history was rewritten")
    ours = head(root)
    if base == git(root, "rev-parse", f"{theirs}^{{commit}}"):
        return
    if base == ours:
        git(root, "reset", "-q", "--hard", theirs)
        return
    changed = git(root, "diff", "--name-only", "-z", "--no-renames", base, ours).split("\0")
    lock = _merge_locks(*(_stages(root, commit) for commit in (base, ours, theirs)))
    git(root, "reset", "-q", "--hard", theirs)
    for path in filter(None, changed):
        if git_status(root, "cat-file", "-e", f"{ours}:{path}")[1] == 0:
            git(root, "checkout", "-q", ours, "--", path)
        else:
            git(root, "rm", "-q", "-f", "--ignore-unmatch", "--", path)
    if LOCK in changed:
        (root / LOCK).write_text(yaml.safe_dump(lock, sort_keys=False), encoding="utf-8")
        git(root, "add", LOCK)
    message = f"Join {theirs[:12]}, keeping what this run recorded"
    merged = git(root, "commit-tree", git(root, "write-tree"), "-p", ours, "-p", theirs, "-m", message)
    git(root, "reset", "-q", "--hard", merged)


def only_records(root: Path, older: str, newer: str) -> bool:
    """Whether `newer` descends from `older` and differs in nothing but what stages record."""
    if git_status(root, "merge-base", "--is-ancestor", older, newer)[1] != 0:
        return False
    paths = git(root, "diff", "--name-only", "-z", older, newer).split("\0")
    return all(path == LOCK or path.startswith(RECORDS) for path in paths if path)


def read_committed(root: Path, commit: str, path: str) -> str | None:
    """A file's text at a commit."""
    said, code = git_status(root, "show", f"{commit}:{path}")
    return said if code == 0 else None


def _lost_race(said: str) -> bool:
    return any(word in said for word in ("[rejected]", "non-fast-forward", "fetch first", "cannot lock ref"))


def _stages(root: Path, commit: str) -> dict[str, object]:
    text = read_committed(root, commit, LOCK)
    content = yaml.safe_load(text) if text else None
    return dict(content or {"schema": "2.0", "stages": {}})


def _merge_locks(base: dict[str, object], ours: dict[str, object], theirs: dict[str, object]) -> dict[str, object]:
    """Their lock, with our entry of every stage that we recorded."""
    before, mine = dict(base["stages"]), dict(ours["stages"])  # type: ignore[call-overload]
    merged = dict(theirs["stages"])  # type: ignore[call-overload]
    merged |= {stage: entry for stage, entry in mine.items() if entry != before.get(stage)}
    return theirs | {"stages": merged}
