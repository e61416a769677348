"""One retraining of a tiny repository in a process of its own, which can be made to kill itself at a step."""

import importlib
import itertools
import json
import os
import signal
from collections.abc import Callable
from typing import Any

from flows.child import Outcome
from flows.retraining import Journal, retrain
from flows.steps import Steps
from flows.workspace import workspace
from tests.flows.retraining_tiny import Tiny
from tests.forked import forked


def once(tiny: Tiny, *kill: str) -> Outcome:
    """How a retraining ends, killed at MODULE FUNCTION before|after N; its last line is what it tells of itself."""
    return forked(lambda: _retrain(tiny, *kill))


def _retrain(tiny: Tiny, *kill: str) -> None:
    os.environ["TINY_FLOW"] = str(os.getpid())
    if kill:
        killing(*kill)
    journal = Journal()
    with workspace("retrain", home=tiny.home, say=print) as root:
        retrain(Steps(root, print), journal)
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
