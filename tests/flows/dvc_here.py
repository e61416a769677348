"""DVC in a copy of this process: for tests in which a new one is not the point, it imports nothing anew."""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path

import dvc.logger
from dvc.cli import main as dvc_main
from flows.child import Outcome
from flows.dvc_child import die_with
from flows.repro import Say, child_environment
from tests.forked import forked

from padstal.operations.integrity.lock_repair import guard_lock

for needed_by_commands in (
    "dulwich.ignore", "dulwich.repo", "dvc.cachemgr", "dvc.cli.parser", "dvc.data_cloud", "dvc.lock", "dvc.parsing",
    "dvc.repo", "dvc.repo.reproduce", "dvc.rwlock", "dvc.scm", "dvc.utils.strictyaml", "dvc_render", "platformdirs",
    "psutil", "pyparsing", "rich.json", "rich.progress", "ruamel.yaml", "scmrepo.git",
):  # fmt: skip
    importlib.import_module(needed_by_commands)


def dvc_here(root: Path, arguments: Sequence[str], say: Say, timeout_seconds: float | None = None) -> Outcome:
    """As `flows.repro.dvc`, without its time limit."""
    guard_lock(root, say)
    parent = os.getpid()

    def work() -> int:
        die_with(parent)
        dvc.logger.setup()  # to the copy's streams
        return int(dvc_main(["--wait-for-lock", *arguments]))

    return forked(work, root, child_environment(root), say)
