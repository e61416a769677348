"""What all stages share: params of one section, paths, seeds, metrics, timing, and errors that a person can read."""

import os
import random
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from padstal.core.data import room
from padstal.core.data.atomic import write_json
from padstal.core.data.leftovers import sweep
from padstal.core.file_lock import file_lock
from padstal.core.outlook import outlook
from padstal.core.params import ParamsError, check, load_section, read_yaml
from padstal.core.paths import Paths
from padstal.core.runtime import RuntimeParams, TrackingParams
from padstal.core.secrets import redact, redact_tracebacks
from padstal.core.section import Section
from padstal.core.untrusted import UntrustedFileError

if TYPE_CHECKING:
    import torch

SectionT = TypeVar("SectionT", bound=Section)
ItemT = TypeVar("ItemT")


class StageError(RuntimeError):
    """A stage cannot go on; the message says what is wrong, where, and what would mend it."""


@contextmanager
def stage_errors(*errors: type[Exception], doing: str = "") -> Iterator[None]:
    """Turn these errors, whose messages a person can read, into `StageError`; `doing` goes before the message."""
    try:
        yield
    except errors as error:
        raise StageError(f"{doing}: {error}" if doing else str(error)) from error


@dataclass(frozen=True)
class Stage(Generic[SectionT]):
    """One run of one stage.

    Attributes:
        name: The stage's name, as in `dvc.yaml`.
        item: The matrix item ("audio" of `train_vae@audio`); "" for a stage without a matrix.
        scale: "demo", "study" or "full".
        params: The stage's own section; a stage reads no other.
        paths: Where artefacts lie.
        runtime: How to use this machine.
        tracking: Where runs are recorded.
        notes: What this run did on this machine; goes to its timing record, which nothing hashes.
    """

    name: str
    item: str
    scale: str
    params: SectionT
    paths: Paths
    runtime: RuntimeParams
    tracking: TrackingParams
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def leads(self) -> bool:
        """Whether this process writes: of those that train together, the first one."""
        alone = self.runtime.devices * self.runtime.nodes == 1
        return alone or not any(int(os.environ.get(name, 0)) for name in ("NODE_RANK", "LOCAL_RANK"))

    @property
    def label(self) -> str:
        return f"{self.name}@{self.item}" if self.item else self.name

    @property
    def lock(self) -> Path:
        """Held while the stage runs: nobody else writes its outputs and its `.state`, not even an orphan."""
        return self.paths.root / ".state" / "locks" / self.scale / self.label

    def seed(self, seed: int) -> None:
        """Seed Python, NumPy and torch, and ask torch for deterministic algorithms."""
        import torch

        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=self.device().type == "cuda")

    def device(self) -> "torch.device":
        """Where models run (`RuntimeParams.torch_device`)."""
        return self.runtime.torch_device()

    def progress(self, items: Iterable[ItemT], total: int | None = None, unit: str = "it") -> Iterable[ItemT]:
        """`items`, with a progress bar on standard error."""
        if not self.leads:
            return items
        return tqdm(items, total=total, unit=unit, desc=self.label, mininterval=1.0, dynamic_ncols=True)

    def say(self, message: str) -> None:
        """One line for the person who watches."""
        if self.leads:
            print(f"{self.label}: {message}", flush=True)

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write `reports/<scale>/metrics/<stage>.json`; the scale is recorded with them."""
        write_json(self.paths.metrics(self.name, self.item or None), {"scale": self.scale, **metrics})


def run_stage(
    name: str,
    section: type[SectionT],
    main: Callable[[Stage[SectionT]], None],
    *,
    items: tuple[str, ...] | str = (),
) -> None:
    """Run one stage as a program.

    Args:
        name: The stage's name; also that of its params section.
        section: The section's type.
        main: The stage itself.
        items: Matrix items, if the stage has a matrix, or the list of `params.yaml` that names them; the first argument
            on the command line picks one.

    Waits while another process runs the same stage here. Exits with status 1 and a message without a traceback where
    the input is at fault.
    """
    root = Path.cwd()
    item = ""
    redact_tracebacks()
    try:
        paths, tree = _open(root)
        item = _item(name, tuple(tree.get(items) or ()) if isinstance(items, str) else items)
        runtime = check(RuntimeParams, tree.get("runtime"), "runtime")
        stage = Stage(
            name=name,
            item=item,
            scale=paths.scale,
            params=load_section(paths.params, name, section),
            paths=paths,
            runtime=runtime,
            tracking=check(TrackingParams, tree.get("tracking"), "tracking"),
        )
        _limit_threads(runtime.threads)
        with file_lock(stage.lock, say=stage.say) if stage.leads else nullcontext():
            if stage.leads:
                _make_ready(stage)
            if told := outlook(root, stage.label):
                stage.say(told)
            started = time.monotonic()
            main(stage)
        if stage.leads:
            _record_timing(stage, time.monotonic() - started, tree["scales"][stage.scale].get("budget", {}))
    except (ParamsError, StageError, UntrustedFileError, FileNotFoundError) as error:
        print(f"{name}{'@' + item if item else ''} failed: {redact(str(error))}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in room.NO_ROOM:
            raise
        print(f"{name}{'@' + item if item else ''} failed: {room.said(error)}", file=sys.stderr, flush=True)
        raise SystemExit(1) from None


def _make_ready(stage: Stage[Any]) -> None:
    """Remove what killed stages left half written, and look whether there is room."""
    root = stage.paths.root
    swept = [path.relative_to(root).as_posix() for path in sweep(root)]
    if swept:
        stage.say(f"removed what a killed stage left half written: {', '.join(swept)}")
    wrong = list(room.faults(room.places_written(root, stage.scale)))
    if wrong:
        raise StageError("; ".join(wrong))


def _open(root: Path) -> tuple[Paths, dict[str, Any]]:
    tree = read_yaml(root / "params.yaml")
    return Paths(root, tree["scale"]), tree


def _item(name: str, items: tuple[str, ...]) -> str:
    given = sys.argv[1:]
    if not items and not given:
        return ""
    if len(given) == 1 and given[0] in items:
        return given[0]
    expected = f"one of {', '.join(items)}" if items else "no argument"
    print(f"{name} failed: arguments {given!r}: expected {expected}", file=sys.stderr)
    raise SystemExit(2)


def _limit_threads(threads: int) -> None:
    """One count of threads for BLAS libraries loaded already (NumPy's) and for those to come (torch's, children's)."""
    threadpool_limits(threads)
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ.setdefault(variable, str(threads))


def _record_timing(stage: Stage[Any], wall: float, budget: Mapping[str, float]) -> None:
    kibibytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    allowed = budget.get(stage.name)
    record = {
        "stage": stage.name,
        "item": stage.item,
        "wall_seconds": wall,
        "budget_seconds": allowed,
        "peak_gibibytes": kibibytes / 2**20,
        **stage.notes,
    }
    write_json(stage.paths.timing(stage.name, stage.item or None), record)
    of_budget = f" of a budget of {allowed:.0f} s" if allowed else ""
    stage.say(f"done in {wall:.1f} s{of_budget}, peak memory {kibibytes / 2**20:.2f} GiB")
