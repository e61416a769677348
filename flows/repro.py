"""What a run asks of DVC: to bring one stage up to date (`dvc repro -s STAGE`), push and pull, say what changed."""

import os
import re
import sys
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.child import Outcome, run_child
from flows.dag import read_dag
from flows.failure import FailureKind, StageFailedError, failure_kind, last_words
from padstal.core.dvc_lock import LOCK, LockedStage, compose, outs_of, stage_texts, stages_here
from padstal.core.file_lock import file_lock
from padstal.operations.integrity.lock_repair import guard_lock
from padstal.operations.integrity.remotes import (
    RefusedError,
    RemoteError,
    cache_of,
    default_remote,
    read_config,
    remote_of,
)
from padstal.operations.integrity.required import find_missing, outs_in
from padstal.operations.lineage.stores import Stores

DVC_CHILD = Path(__file__).with_name("dvc_child.py")
UP_TO_DATE = "up to date"
Say = Callable[[str], None]


@dataclass(frozen=True)
class StageRun:
    """What became of a stage: "ran", "from cache", "up to date", "failed" or "cancelled", and its wall time."""

    stage: str
    result: str
    wall_seconds: float


def dvc(root: Path, arguments: Sequence[str], say: Say, timeout_seconds: float | None = None) -> Outcome:
    """`dvc --wait-for-lock ARGUMENTS` in `root`; it dies with us. A `dvc.lock` that a kill tore is repaired before."""
    guard_lock(root, say)
    command = [sys.executable, str(DVC_CHILD), str(os.getpid()), "--wait-for-lock", *arguments]
    return run_child(command, root, child_environment(root), say, timeout_seconds)


def repro(stage: str, root: Path, say: Say, pull: bool = False, timeout_seconds: float | None = None) -> StageRun:
    """Bring one stage up to date.

    Clones with a common `.state/` run a stage one at a time, for its checkpoints lie there; who waited finds the result
    in the cache.

    Args:
        stage: Its name in `dvc.yaml`.
        root: The repository.
        say: Gets each line of its output.
        pull: Get from the DVC remote what it needs and is not here.
        timeout_seconds: Then it is ended; by default never.

    Raises:
        StageFailedError: With the cause.
    """
    options = ["--pull", "--allow-missing"] if pull else []
    started = time.monotonic()
    with file_lock(root / ".state" / "locks" / stage, say=say):
        if pull and (lacking := _lacking_deps(root, stage)):
            transfer(root, "pull", lacking, say, stage=stage, timeout_seconds=timeout_seconds)
        outcome = dvc(root, ["repro", "-s", stage, *options], say, timeout_seconds)
    if outcome.code != 0:
        raise StageFailedError(stage, failure_kind(outcome), last_words(outcome))
    return StageRun(stage, _result(outcome.lines), time.monotonic() - started)


def transfer(
    root: Path, way: str, targets: Sequence[str], say: Say, *, stage: str = "", timeout_seconds: float | None = None
) -> None:
    """`dvc push` or `dvc pull` of what stages have written, of single outputs, or of everything.

    Raises:
        StageFailedError: With the cause; of `stage`, if it is for one.
    """
    outcome = dvc(root, [way, *targets], say, timeout_seconds)
    if outcome.code != 0:
        raise StageFailedError(stage or f"dvc {way}", failure_kind(outcome), last_words(outcome))


def changed_stages(
    root: Path, say: Say, stages: Sequence[str], here: bool, kept: Collection[str] = ()
) -> frozenset[str]:
    """Which of `stages` are out of date by themselves; those downstream of them may become so.

    Where `dvc.lock` decides, stages whose outputs are needed and can be had nowhere count, too; it loses their
    entries, so that DVC makes them again.

    Args:
        root: The repository.
        say: Gets a line for a stage whose outputs are lost.
        stages: Names in `dvc.yaml`, in order.
        here: Count a stage as out of date if its outputs are not in the workspace; else `dvc.lock` decides.
        kept: Stages whose outputs are needed though nothing reads them.

    Raises:
        StageFailedError: The DVC remote does not answer.
    """
    if here:
        return _would_run(root, stages)
    guard_lock(root, say)
    locked = stages_here(root)
    # DVC calls those done whose dependencies are not here
    behind = {stage for stage in stages if stage not in locked or changed_deps(root, locked, stage)}
    behind |= _would_run(root, [stage for stage in stages if stage not in behind], "--allow-missing")
    if not (behind or kept):
        return frozenset()
    lost = lost_outs(root)
    needs = read_dag(root).needs
    again: set[str] = set()
    for stage in reversed(stages):
        needed = stage in kept or stage in behind or any(stage in needs[other] for other in behind | again)
        if stage in lost and needed:
            again.add(stage)
            say(f"{stage} runs again: neither the cache nor the DVC remote has {', '.join(lost[stage])}")
    if again:
        entries = stage_texts((root / LOCK).read_text(encoding="utf-8"))
        if left := [text for stage, text in entries.items() if stage not in again]:
            (root / LOCK).write_text(compose(left), encoding="utf-8")
        else:  # DVC takes a list without stages for damaged
            (root / LOCK).unlink()
    return frozenset(behind | again)


def lost_outs(root: Path) -> dict[str, list[str]]:
    """Stage → its outputs that neither the cache nor the DVC remote has; {} where the remote is of a kind we don't ask.

    Raises:
        StageFailedError: The remote does not answer.
    """
    config = read_config(root)
    cache = cache_of(config)
    lost: dict[str, list[str]] = {}
    try:
        absent = find_missing(root, cache, remote_of(config) if default_remote(config) else cache).elsewhere
    except (FileNotFoundError, ValueError) as error:
        if isinstance(error, RemoteError) and not isinstance(error, RefusedError):
            raise StageFailedError("DVC remote", FailureKind.NETWORK, str(error)) from error
        return lost
    oids = {item.oid for item in absent}  # each is told with one of the outputs that hold it
    listings = Stores((cache,))
    for out in outs_in(root):
        if out.cached and oids & {out.md5, *listings.files(out).values()}:
            lost.setdefault(out.stage, []).append(out.path)
    return lost


def _lacking_deps(root: Path, stage: str) -> list[str]:
    """Outputs that a stage has to read anew and that are not here; and those that a folder partly here lacks."""
    locked = stages_here(root)
    paths = dict.fromkeys(changed_deps(root, locked, stage))
    for dep in locked[stage].deps if stage in locked else ():
        if (root / dep.path).is_dir():
            paths |= dict.fromkeys(path for path in outs_of(locked) if path.startswith(f"{dep.path}/"))
    return [path for path in paths if not (root / path).exists()]


def changed_deps(root: Path, locked: Mapping[str, LockedStage], stage: str) -> list[str]:
    """Dependencies of a stage that another stage has written anew since it ran; of a folder, the outputs in it.

    `dvc repro --single-item --allow-missing` takes a dependency that is not here for unchanged, whatever its own record
    of the stage that writes it says.
    """
    written, listings = outs_of(locked), Stores((cache_of(read_config(root)),))
    changed: list[str] = []
    for dep in locked[stage].deps if stage in locked else ():
        inside = [out for path, out in written.items() if path.startswith(f"{dep.path}/")]
        if dep.path in written:
            changed += [dep.path] * (written[dep.path] != dep)
        elif inside and listings.folder_oid(dep.path, inside) != dep.md5:
            changed += [out.path for out in inside]
    return changed


def _would_run(root: Path, stages: Sequence[str], *options: str) -> frozenset[str]:
    """Stages that DVC would run; asked one by one where it stumbles over one of them."""
    if not stages:
        return frozenset()
    outcome = dvc(root, ["repro", "--dry", *options, "-s", *stages], lambda _: None)
    if outcome.code == 0:
        return frozenset(_WOULD_RUN.findall("\n".join(outcome.lines))) & frozenset(stages)
    if len(stages) == 1:
        return frozenset(stages)
    return frozenset().union(*(_would_run(root, [stage], *options) for stage in stages))


_WOULD_RUN = re.compile(r"^(?:Running stage|Stage) '([^']+)'(?::| is cached)", re.MULTILINE)


def child_environment(root: Path) -> Mapping[str, str]:
    """Ours, with this interpreter's programs first (`dvc.yaml` says `python`) and the code of `root` before others."""
    paths = {"PATH": Path(sys.executable).parent, "PYTHONPATH": root / "src"}
    first = {name: os.pathsep.join(filter(None, [str(path), os.environ.get(name)])) for name, path in paths.items()}
    return {**os.environ, **first, "PYTHONUNBUFFERED": "1"}


def _result(lines: tuple[str, ...]) -> str:
    for line in reversed(lines):
        if line.startswith("Running stage '"):
            return "ran"
        if "is cached - skipping run" in line:
            return "from cache"
    return UP_TO_DATE


def summary(runs: Sequence[StageRun]) -> str:
    """Markdown table of the stages."""
    rows = [f"| {run.stage} | {run.result} | {run.wall_seconds:.1f} |" for run in runs]
    total = f"| **all** | | {sum(run.wall_seconds for run in runs):.1f} |"
    return "\n".join(["| stage | result | wall time (s) |", "|---|---|---:|", *rows, total])
