"""Trainings by two processes on the CPU, one after the other; Lightning starts the second process of this program.

Usage: python train_together.py OUT_FOLDER
       python train_together.py OUT_FOLDER nodes      one training by two nodes, each of which starts this

The first process writes `OUT_FOLDER/NAME.pt` for each training; both note every file that they open for writing.
"""

import importlib
import os
import signal
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[2]
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
    from padstal.training.process_group import ProcessGroup

    if sys.argv[2:] == ["nodes"]:
        module = importlib.import_module("tests.diffusion.together")
        keep(out, "nodes", module.run(out / "nodes", ProcessGroup(nodes=2)))
        return
    together = ProcessGroup(devices=2)
    for kind in ("diffusion", "codecs"):
        module = importlib.import_module(f"tests.{kind}.together")
        keep(out, f"{kind}_whole", module.run(out / f"{kind}_whole", together))
        try:
            module.run(out / f"{kind}_ended", together, before_step=partial(end, module.ENDS_AT))
        except SystemExit as ended:
            (out / f"{kind}_status_{RANK}.txt").write_text(str(ended.code))
        keep(out, f"{kind}_resumed", module.run(out / f"{kind}_ended", together))


def end(at: int, step: int) -> None:
    """The second process alone is asked to end."""
    if step == at and RANK == 1:
        os.kill(os.getpid(), signal.SIGTERM)


def keep(out: Path, name: str, outcome: tuple[dict[str, torch.Tensor], list[dict[str, float]]]) -> None:
    if RANK == 0:
        torch.save(outcome, out / f"{name}.pt")


if __name__ == "__main__":
    main()
