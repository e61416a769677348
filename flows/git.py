"""What the flows ask of git: a child process that never prompts, and whose words do not tell a password."""

import os
import re
import subprocess
from pathlib import Path

TIMEOUT_SECONDS = 600.0
"""For one command; a clone or a push of this repository takes seconds."""
AUTHOR = {"user.name": "padstal", "user.email": "padstal@localhost"}
"""Whose commits a machine makes where git knows nobody."""


class GitError(RuntimeError):
    """A git command failed; the message is git's own."""


def git(root: Path, *arguments: str, status: tuple[int, ...] = (0,)) -> str:
    """Standard output of `git ARGUMENTS` in `root`, without the last line's end.

    Args:
        root: Folder to run in.
        arguments: The command.
        status: Exit statuses that are no failure.

    Raises:
        GitError: Another exit status, or no end within `TIMEOUT_SECONDS`.
    """
    said, code = git_status(root, *arguments)
    if code not in status:
        raise GitError(f"git {arguments[0]} failed: {said[-600:].strip()}")
    return said.rstrip("\n")


def git_status(root: Path, *arguments: str) -> tuple[str, int]:
    """What `git ARGUMENTS` said (its errors where it failed) and its exit status.

    Raises:
        GitError: No end within `TIMEOUT_SECONDS`.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    environment |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]}: no end within {TIMEOUT_SECONDS:.0f} s") from None
    said = done.stdout if done.returncode == 0 else done.stdout + done.stderr
    return shown(said.decode("utf-8", "replace")), done.returncode


def shown(text: str) -> str:
    """`text` without user names and passwords of addresses."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)


def set_author(root: Path) -> None:
    """Name an author for the commits of this clone if git knows none."""
    for key, value in AUTHOR.items():
        if not git(root, "config", key, status=(0, 1)):
            git(root, "config", key, value)


_OURS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Variables that a hook sets, and that would lead git to another repository."""
