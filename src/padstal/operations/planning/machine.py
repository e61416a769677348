"""The machine that a plan is for: its GPUs, and how much of their arithmetic a kind of work gets, which is assumed."""

import time
from dataclasses import dataclass
from typing import Literal

Kind = Literal["transformer", "convolution", "generation"]
MFU: dict[Kind, float] = {"transformer": 0.40, "convolution": 0.20, "generation": 0.02}
"""Share of the peak that each kind of work is assumed to reach: of autoencoders memory traffic leaves less than of
transformers, of texts written token by token hardly anything."""
INGEST_SPEED = 300.0
"""Seconds of audio that a process decodes, resamples and measures in a second; assumed."""
HERE = "here"
MEASURED_SIDE = {"cuda": 8192, "cpu": 2048}


@dataclass(frozen=True)
class Device:
    """A GPU: peak of dense bfloat16 products, TFLOP/s, and memory, GiB, as its maker states them."""

    tflops: float
    gibibytes: float


DEVICES = {
    "a10g": Device(70, 24),
    "a100": Device(312, 80),
    "a100-40": Device(312, 40),
    "b200": Device(2250, 180),
    "h100": Device(989, 80),
    "h100-pcie": Device(756, 80),
    "h200": Device(989, 141),
    "l40s": Device(362, 48),
    "mi300x": Device(1307, 192),
    "rtx4090": Device(165, 24),
}


@dataclass(frozen=True)
class Machine:
    """What a plan is for.

    Attributes:
        device: Its name.
        gpus: That train together.
        gibibytes: Of each.
        tflops: Peak of each.
        mfu: Share of the peak by kind of work.
        workers: Processes for audio.
        shares_weights: Whether GPUs that train together share weights out (`runtime.strategy: fsdp2`).
    """

    device: str
    gpus: int
    gibibytes: float
    tflops: float
    mfu: dict[Kind, float]
    workers: int
    shares_weights: bool = False

    def seconds(self, operations: float, kind: Kind, gpus: int = 1) -> float:
        """Time that work takes."""
        return operations / (gpus * self.tflops * 1e12 * self.mfu[kind])


def machine_of(
    device: str, gpus: int, gibibytes: float | None, tflops: float | None, mfu: float | None, workers: int
) -> Machine:
    """A machine by name; what is given wins over what the table says. `here` is measured.

    Raises:
        ValueError: No such device.
    """
    if device != HERE and device not in DEVICES:
        raise ValueError(f"--device {device}: expected {HERE} or one of {', '.join(DEVICES)}")
    found = DEVICES[device] if device in DEVICES else measured()
    shares: dict[Kind, float] = {kind: mfu or share for kind, share in MFU.items()}
    return Machine(device, gpus, gibibytes or found.gibibytes, tflops or found.tflops, shares, workers)


def measured() -> Device:
    """This machine's GPU, else its processor: TFLOP/s of one large product in bfloat16 (float32), and memory."""
    import psutil
    import torch

    kind = "cuda" if torch.cuda.is_available() else "cpu"
    side = MEASURED_SIDE[kind]
    matrix = torch.ones(side, side, device=kind, dtype=torch.bfloat16 if kind == "cuda" else torch.float32)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        times.append(time.perf_counter() - start)
    memory = torch.cuda.get_device_properties(0).total_memory if kind == "cuda" else psutil.virtual_memory().total
    return Device(2 * side**3 / min(times) / 1e12, memory / 2**30)
