"""One retraining of a tiny repository as a program, which can be made to kill itself at a step.

Usage: python tests/flows/retrain_once.py FOLDER [MODULE FUNCTION before|after N]
"""

import importlib
import itertools
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retraining_tiny import Tiny  # beside this program

# isort: split
from flows.retraining import Journal, retrain
from flows.steps import Steps
from flows.workspace import workspace


def main(folder: Path, *kill: str) -> None:
    tiny = Tiny(
        *(folder / name for name in ("origin.git", "home", "music", "workspaces", "log")),
        (sys.executable, str(folder / "padstal_program.py")),
    )
    os.environ |= {**tiny.environment(), "TINY_FLOW": str(os.getpid())}
    if kill:
        killing(*kill)
    journal = Journal()
    with workspace("retrain", home=tiny.home, say=print) as space:
        retrain(space, Steps(space.root, print, program=tiny.padstal), journal)
    print(json.dumps([journal.result, journal.why, [[run.stage, run.result] for run in journal.stages]]))


def killing(module: str, function: str, when: str, number: str) -> None:
    """Have the N-th call of a function kill this process before it starts or after it has ended."""
    target, calls = importlib.import_module(module), itertools.count(1)
    whole: Callable[..., Any] = getattr(target, function)

    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        mine = next(calls) == int(number)
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = whole(*arguments, **keywords)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(target, function, wrapped)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
