"""git as a child process: its answer, or what it said when it refused; it never asks anything back."""

import os
import subprocess
from pathlib import Path

TIMEOUT_SECONDS = 600.0


class GitError(ValueError):
    """git refused, or cannot be run; the message is git's own."""


class PushRefusedError(GitError):
    """The remote has something else by now where we would have written."""


def git(root: Path, *arguments: str, given: str | None = None) -> str:
    """What `git arguments` prints, without the line's end.

    Args:
        root: Where to run it.
        arguments: The command.
        given: What it reads from standard input.

    Raises:
        GitError: It failed, or took longer than `TIMEOUT_SECONDS`.
    """
    command = ["git", "-c", "core.quotePath=false", *arguments]
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=root, env=env, input=given or "", capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except FileNotFoundError:
        raise GitError("git: not installed") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]}: no answer within {TIMEOUT_SECONDS:.0f} s") from None
    if done.returncode != 0:
        rejected = any(line.startswith("!\t") for line in done.stdout.splitlines())
        kind = PushRefusedError if rejected else GitError
        raise kind(f"git {arguments[0]}: {_brief(done.stderr) or _brief(done.stdout) or f'exit {done.returncode}'}")
    return done.stdout.strip()


def said(root: Path, *arguments: str) -> str:
    """As `git`, but "" where it fails."""
    try:
        return git(root, *arguments)
    except GitError:
        return ""


def _brief(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("hint:")]
    return "; ".join(lines)[:500]
