"""Trainings by two processes on the CPU, one after the other; Lightning starts the second process of this program.

Usage: python train_together.py OUT_FOLDER
       python train_together.py OUT_FOLDER nodes      one training by two nodes, each of which starts this

Without `nodes`: trainings with all weights (in `OUT_FOLDER/replicated`) and with weights shared out (`sharing`), some
of which go on from what one process began, and one whose loss is not a number in the second process (`failing`).

The first process writes `NAME.pt` for each training; both note every file that they open for writing.
"""

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from padstal.training.process_group import ProcessGroup

ROOT = Path(__file__).resolve().parents[2]
ACCUMULATE = {"diffusion": 3, "codecs": 2}
"""Micro-batches of a step of each process."""
RANK = int(os.environ.get("LOCAL_RANK", 0)) + int(os.environ.get("NODE_RANK", 0))


def note_writes(out: Path) -> None:
    """Note what this process opens for writing under `out`."""
    out.mkdir(exist_ok=True)
    notes = os.open(out / f"writes_{RANK}.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR) and str(out) in str(arguments[0]):
            os.write(notes, f"{arguments[0]}\n".encode())

    sys.addaudithook(note)


def main() -> None:
    out = Path(sys.argv[1])
    torch.set_num_threads(1)
    tests = ModuleType("tests")  # an installed package has this name, too
    tests.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = tests
    from tests.training.together import SHORT, run

    from padstal.training.process_group import ProcessGroup

    if sys.argv[2:] == ["nodes"]:
        keep(out, "nodes", run("diffusion", out / "nodes", group=ProcessGroup(nodes=2), **SHORT["diffusion"]))
        return
    replicated, sharing = ProcessGroup(devices=2), ProcessGroup(devices=2, strategy="fsdp2")
    for folder in ("replicated", "sharing"):
        note_writes(out / folder)
    train_each(out / "replicated", replicated)
    shared = out / "sharing"
    keep(shared, "systems_whole", run("systems", shared / "systems_whole", group=sharing, **SHORT["systems"]))
    for kind in ACCUMULATE:
        keep(shared, f"{kind}_taken_up", run(kind, shared / f"{kind}_begun", group=sharing, **SHORT[kind]))
    train_each(shared, sharing)
    try:
        run("diffusion", out / "failing" / "state", group=replicated, change=poison, **SHORT["diffusion"])
    except FloatingPointError as error:
        (out / "failing" / f"error_{RANK}.txt").write_text(str(error))


def train_each(out: Path, group: "ProcessGroup") -> None:
    """Each kind: whole, with micro-batches, and ended by SIGTERM to the second process and resumed."""
    from tests.training.together import ENDS_AT, SHORT, run

    for kind, parts in ACCUMULATE.items():
        how: dict[str, Any] = {"group": group, **SHORT[kind]}
        keep(out, f"{kind}_whole", run(kind, out / f"{kind}_whole", **how))
        keep(out, f"{kind}_accumulated", run(kind, out / f"{kind}_accumulated", accumulate=parts, **how))
        try:
            run(kind, out / f"{kind}_ended", before_step=partial(end, ENDS_AT), **how)
        except SystemExit as ended:
            (out / f"{kind}_status_{RANK}.txt").write_text(str(ended.code))
        keep(out, f"{kind}_resumed", run(kind, out / f"{kind}_ended", **how))


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
