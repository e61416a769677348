"""Linters that the environment brings."""

import os
import shutil
import sys
from pathlib import Path


def linter(name: str) -> str:
    """Path of a program of the environment, or of PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = shutil.which(name, path=path)
    assert found, f"{name} is not there: make setup"
    return found
