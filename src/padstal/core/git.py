"""git as a child process: its answer, or what it said when it refused; it never asks anything back."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from padstal.core.secrets import without_passwords

TIMEOUT_SECONDS = 600.0
"""For one command; a clone or a push of this repository takes seconds."""
_OF_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
"""Variables that a hook sets, and that would lead git to another repository."""
_ENVIRONMENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


class GitError(ValueError):
    """git refused, or cannot be run; the message is git's own, without the passwords of addresses."""


class PushRefusedError(GitError):
    """The remote did not take a ref; as a rule it has something else by now where we would have written."""


def git_bytes(root: Path, *arguments: str, given: bytes = b"", timeout_seconds: float = TIMEOUT_SECONDS) -> bytes:
    """What `git arguments` prints.

    Args:
        root: Where to run it.
        arguments: The command.
        given: What it reads from standard input.
        timeout_seconds: Then it is ended.

    Raises:
        PushRefusedError: `git push --porcelain` says that the remote did not take a ref.
        GitError: It failed otherwise, or took too long.
    """
    environment = {name: value for name, value in os.environ.items() if name not in _OF_HOOKS} | _ENVIRONMENT
    command = ["git", "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, input=given, capture_output=True, timeout=timeout_seconds
        )
    except FileNotFoundError:
        raise GitError("git: not installed" if root.is_dir() else f"{root}: no such folder") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git {arguments[0]}: no answer within {timeout_seconds:.0f} s") from None
    if done.returncode != 0:
        out, errors = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
        refused = "\n".join(line for line in out.splitlines() if line.startswith("!\t"))
        words = _brief(f"{refused}\n{errors}") or _brief(out) or f"exit {done.returncode}"
        raise (PushRefusedError if refused else GitError)(f"git {arguments[0]}: {words}")
    return done.stdout


def git(root: Path, *arguments: str, given: str = "", timeout_seconds: float = TIMEOUT_SECONDS) -> str:
    """As `git_bytes`, as text without the last line's end."""
    printed = git_bytes(root, *arguments, given=given.encode(), timeout_seconds=timeout_seconds)
    return printed.decode("utf-8", "replace").rstrip("\n")


def try_git(root: Path, *arguments: str, timeout_seconds: float = TIMEOUT_SECONDS) -> str:
    """As `git`, but "" where it fails."""
    try:
        return git(root, *arguments, timeout_seconds=timeout_seconds)
    except GitError:
        return ""


def blobs(root: Path, names: Iterable[str]) -> list[bytes | None]:
    """Files of commits ("HEAD~2:./dvc.lock"), in two processes for all of them; None for one that is not there."""
    told = git(
        root, "cat-file", "--batch-check=%(objecttype) %(objectname)", given="".join(f"{one}\n" for one in names)
    )
    found = [line.removeprefix("blob ") if line.startswith("blob ") else "" for line in told.splitlines()]
    wanted = "".join(f"{name}\n" for name in sorted({*found} - {""}))
    answer = git_bytes(root, "cat-file", "--batch", given=wanted.encode())
    contents: dict[str, bytes] = {}
    at = 0
    while at < len(answer):
        start = answer.index(b"\n", at) + 1
        name, _, length = answer[at:start].decode().split()
        contents[name] = answer[start : start + int(length)]
        at = start + int(length) + 1
    return [contents.get(name) for name in found]


def succeeds(root: Path, *arguments: str) -> bool:
    """Whether `git arguments` ends well: the answer of `merge-base --is-ancestor`, `diff --quiet`, `cat-file -e`."""
    try:
        git_bytes(root, *arguments)
    except GitError:
        return False
    return True


def _brief(text: str) -> str:
    """The last words, which say what failed."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("hint:")]
    return without_passwords("; ".join(lines))[-600:]
