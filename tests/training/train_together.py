"""Trainings by two processes on the CPU, one after the other; Lightning starts the second process of this program.

Usage: python train_together.py OUT_FOLDER
       python train_together.py OUT_FOLDER nodes      one training by two nodes, each of which starts this
       python train_together.py OUT_FOLDER failing    one whose loss is not a number in the second process
       python train_together.py OUT_FOLDER sharing    with weights shared out; some go on from what one process began

The first process writes `OUT_FOLDER/NAME.pt` for each training; both note every file that they open for writing.
"""

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
ACCUMULATE = {"diffusion": 3, "codecs": 2}
"""Micro-batches of a step of each process."""
RANK = int(os.environ.get("LOCAL_RANK", 0)) + int(os.environ.get("NODE_RANK", 0))


def note_writes(out: Path) -> None:
    """Note what this process opens for writing under `out`."""
    notes = os.open(out / f"writes_{RANK}.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) and str(out) in str(arguments[0]):
            os.write(notes, f"{arguments[0]}\n".encode())

    sys.addaudithook(note)


def main() -> None:
    out = Path(sys.argv[1])
    note_writes(out)
    torch.set_num_threads(1)
    tests = ModuleType("tests")  # an installed package has this name, too
    tests.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = tests
    from tests.codecs.together import ENDS_AT as CODECS
    from tests.diffusion.together import ENDS_AT as DIFFUSION
    from tests.training.together import run

    from padstal.training.process_group import ProcessGroup

    if sys.argv[2:] == ["nodes"]:
        keep(out, "nodes", run("diffusion", out / "nodes", group=ProcessGroup(nodes=2)))
        return
    together = ProcessGroup(devices=2)
    if sys.argv[2:] == ["failing"]:
        try:
            run("diffusion", out / "failing", group=together, change=poison)
        except FloatingPointError as error:
            (out / f"error_{RANK}.txt").write_text(str(error))
        return
    trainings = (("diffusion", DIFFUSION), ("codecs", CODECS))
    if sys.argv[2:] == ["sharing"]:
        together = ProcessGroup(devices=2, strategy="fsdp2")
        keep(out, "systems_whole", run("systems", out / "systems_whole", group=together))
        for kind, _ in trainings:
            keep(out, f"{kind}_taken_up", run(kind, out / f"{kind}_begun", group=together))
    for kind, ends_at in trainings:
        keep(out, f"{kind}_whole", run(kind, out / f"{kind}_whole", group=together))
        keep(
            out,
            f"{kind}_accumulated",
            run(kind, out / f"{kind}_accumulated", group=together, accumulate=ACCUMULATE[kind]),
        )
        try:
            run(kind, out / f"{kind}_ended", group=together, before_step=partial(end, ends_at))
        except SystemExit as ended:
            (out / f"{kind}_status_{RANK}.txt").write_text(str(ended.code))
        keep(out, f"{kind}_resumed", run(kind, out / f"{kind}_ended", group=together))


def poison(task: Any) -> None:
    """The loss of the sixth step is not a number, in the second process alone."""
    step = task.step

    def broken(batch: Any, shard: Any) -> Any:
        move = step(batch, shard)
        return replace(move, loss=move.loss * torch.nan) if batch.step == 5 and RANK == 1 else move

    task.step = broken


def end(at: int, step: int) -> None:
    """The second process alone is asked to end."""
    if step == at and RANK == 1:
        os.kill(os.getpid(), signal.SIGTERM)


def keep(out: Path, name: str, trained: Any) -> None:
    if RANK == 0:
        torch.save((trained.average.state_dict(), trained.curves), out / f"{name}.pt")


if __name__ == "__main__":
    main()
