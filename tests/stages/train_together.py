"""The stage `train_diffusion@tal_dit` as its program runs it, with a text encoder that has no weights.

Usage: python train_together.py tal_dit, in a folder with params.yaml and the stage's inputs
"""

import os
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    tests = ModuleType("tests")  # an installed package has this name, too
    tests.__path__ = [str(ROOT / "tests")]
    sys.modules["tests"] = tests
    from tests.diffusion.fakes import FakeTextEncoder

    from padstal.diffusion.config import TrainDiffusionParams
    from padstal.stages import train_diffusion
    from padstal.stages.harness import run_stage

    if os.environ.get("LOCAL_RANK", "0") != "0":
        notes = os.open("writes.txt", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        flags = os.O_WRONLY | os.O_RDWR
        here = str(Path.cwd())

        def note(event: str, arguments: tuple) -> None:  # type: ignore[type-arg]
            if event == "open" and arguments[2] & flags and str(arguments[0]).startswith(here):
                os.write(notes, f"{arguments[0]}\n".encode())

        sys.addaudithook(note)
    train_diffusion.load_text_encoder = lambda folder, device: FakeTextEncoder()  # type: ignore[assignment]
    run_stage("train_diffusion", TrainDiffusionParams, train_diffusion.main, items="denoisers")


if __name__ == "__main__":
    main()
