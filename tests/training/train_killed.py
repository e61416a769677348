"""A training that is killed again and again, and one that is not; each life is a fork of this program.

Usage: python train_killed.py OUT_FOLDER KILLS

A life ends by SIGTERM to itself, by a timer at any moment (in the midst of a step, of a checkpoint's writing), or by
SIGKILL, some steps after it took up what the one before had left. Writes `OUT_FOLDER/whole.pt`, `OUT_FOLDER/killed.pt`
and a line for each life: how it ended, and at which step it had begun.
"""

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import torch

ROOT = Path(__file__).resolve().parents[2]
STEPS, LONGEST_LIFE, TIMER = 2.4, 4, 0.04
"""Steps of the training a kill, and of a life; longest time until the timer, s."""


def main() -> None:
    out, kills = Path(sys.argv[1]), int(sys.argv[2])
    steps = int(STEPS * kills)
    torch.set_num_threads(1)
    tests = ModuleType("tests")  # an installed package has this name, too
    tests.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = tests
    import tests.diffusion.together
    import tests.training.together

    assert life(out, "whole", steps, lambda step: None) == "finished"
    chance, ends, begun = random.Random(0), [], out / "begun"
    for _ in range(kills):
        end = killer(chance.choice(("term", "timer", "kill")), chance.random(), begun)
        ends.append(life(out, "killed", steps, end))
        ends[-1] += f" {begun.read_text()}"
    (out / "lives.txt").write_text("\n".join(ends))
    assert life(out, "killed", steps, lambda step: None) == "finished"


def killer(how: str, share: float, begun: Path) -> Callable[[int], None]:
    """What ends a life, asked before each of its steps; `share` says when."""
    first: list[int] = []

    def before_step(step: int) -> None:
        if not first:
            first.append(step)
            begun.write_text(str(step))
            if how == "timer":
                signal.setitimer(signal.ITIMER_REAL, 1e-4 + TIMER * share)
        if how == "term" and step == first[0] + int(LONGEST_LIFE * share):
            os.kill(os.getpid(), signal.SIGTERM)
        if step == first[0] + (int(LONGEST_LIFE * share) if how == "kill" else LONGEST_LIFE):
            os.kill(os.getpid(), signal.SIGKILL)

    return before_step


def life(out: Path, name: str, steps: int, before_step: Callable[[int], None]) -> str:
    """One process's part of the training `name` of so many steps; gives how it ended."""
    child = os.fork()
    if child == 0:
        from tests.training.together import run

        status = 1
        try:
            state = out / name / "state"
            trained = run(
                "diffusion",
                state,
                before_step=before_step,
                steps=steps,
                checkpoint_every=2,
                log_every=steps // 3,
                validate_every=steps // 3,
            )
            torch.save((trained.average.state_dict(), trained.curves), out / f"{name}.pt")
            status = 0
        except SystemExit as ended:
            status = int(str(ended.code))
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return {0: "finished", 128 + signal.SIGTERM: "SIGTERM"}[os.WEXITSTATUS(status)]


if __name__ == "__main__":
    main()
