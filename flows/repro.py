"""What a run asks of DVC: to bring one stage up to date (`dvc repro -s STAGE`), push and pull, say what changed."""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.dvc_process import DvcProcess
from flows.failure import StageFailedError, failure_kind, last_words
from padstal.core.dvc_lock import LockedPath, LockedStage, outs_of, stages_here
from padstal.core.dvc_objects import key_of, oid_of_tree, read_tree, write_tree
from padstal.operations.integrity.lock_repair import keep_or_repair
from padstal.operations.integrity.remotes import read_config


@dataclass(frozen=True)
class StageRun:
    """What became of a stage: "ran", "from cache", "up to date", "failed" or "cancelled", and its wall time."""

    stage: str
    result: str
    wall_seconds: float


def repro(
    stage: str,
    root: Path,
    force: bool,
    say: Callable[[str], None],
    pull: bool = False,
    *,
    dvc: DvcProcess | None = None,
    timeout_seconds: float | None = None,
) -> StageRun:
    """Bring one stage up to date.

    Clones with a common `.state/` run a stage one at a time, for its checkpoints lie there.

    Args:
        stage: Its name in `dvc.yaml`.
        root: The repository.
        force: Run it even if it is up to date.
        say: Gets each line of its output.
        pull: Get from the DVC remote what it needs and is not here.
        dvc: The run's DVC in `root`; by default one for this stage alone.
        timeout_seconds: Then it is ended; by default never.

    Raises:
        StageFailedError: With the cause.
    """
    if dvc is None:
        with open_dvc(root) as own:
            return repro(stage, root, force, say, pull, dvc=own, timeout_seconds=timeout_seconds)
    options = [*(["--force"] if force else []), *(["--pull", "--allow-missing"] if pull else [])]
    repaired = keep_or_repair(root)
    if repaired:
        say(f"dvc.lock was damaged by a kill; repaired: {repaired}")
    started = time.monotonic()
    lock = root / ".state" / "locks" / stage
    lacking = _lacking_deps(root, stage) if pull else []
    if lacking:
        transfer(dvc, "pull", lacking, say, stage=stage, timeout_seconds=timeout_seconds)
    outcome = dvc.run(["repro", "-s", stage, *options], say, timeout_seconds=timeout_seconds, lock=lock)
    if outcome.code != 0 or outcome.timed_out:
        raise StageFailedError(stage, failure_kind(outcome), last_words(stage, outcome))
    return StageRun(stage, _result(outcome.lines), time.monotonic() - started)


def transfer(
    dvc: DvcProcess,
    way: str,
    targets: Sequence[str],
    say: Callable[[str], None],
    *,
    stage: str = "",
    timeout_seconds: float | None = None,
) -> None:
    """`dvc push` or `dvc pull` of what stages have written, of single outputs, or of everything.

    Raises:
        StageFailedError: With the cause; of `stage`, if it is for one.
    """
    outcome = dvc.run([way, *targets], say, timeout_seconds=timeout_seconds)
    if outcome.code != 0 or outcome.timed_out:
        raise StageFailedError(stage or f"dvc {way}", failure_kind(outcome), last_words(f"dvc {way}", outcome))


def changed_stages(dvc: DvcProcess, say: Callable[[str], None], stages: Sequence[str], here: bool) -> frozenset[str]:
    """Which of `stages` are out of date by themselves; those downstream of them may become so.

    Args:
        dvc: The run's DVC.
        say: Gets DVC's words if it cannot tell.
        stages: Names in `dvc.yaml`.
        here: Count a stage as out of date if its outputs are not in the workspace; else `dvc.lock` decides.

    Raises:
        StageFailedError: DVC cannot tell.
    """
    if not here:
        return _lacking(dvc, stages)
    outcome = dvc.run(["status", "--json"], lambda _: None)
    answers = [line for line in outcome.lines if line.startswith("{")]
    if outcome.code != 0 or not answers:
        for line in outcome.lines[-20:]:
            say(line)
        raise StageFailedError("dvc status", failure_kind(outcome), last_words("dvc status", outcome))
    return frozenset(json.loads(answers[-1])) & frozenset(stages)


def _lacking(dvc: DvcProcess, stages: Sequence[str]) -> frozenset[str]:
    """Stages that `dvc.lock` does not say are done."""
    locked = stages_here(dvc.root)
    # DVC calls those done whose dependencies are not here
    behind = {stage for stage in stages if stage not in locked or changed_deps(dvc.root, locked, stage)}
    return frozenset(behind) | _would_run(dvc, [stage for stage in stages if stage not in behind])


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
    written = outs_of(locked)
    changed: list[str] = []
    for dep in locked[stage].deps if stage in locked else ():
        inside = [out for path, out in written.items() if path.startswith(f"{dep.path}/")]
        if dep.path in written:
            changed += [dep.path] * (written[dep.path] != dep)
        elif inside and folder_of(root, dep.path, inside) != dep.md5:
            changed += [out.path for out in inside]
    return changed


def folder_of(root: Path, path: str, outs: Sequence[LockedPath]) -> str:
    """Name that DVC would give to a folder of these outputs and nothing else; "" if the cache lacks a list of files."""
    cache = read_config(root).cache
    files: list[tuple[str, str]] = []
    for out in outs:
        below = out.path.removeprefix(f"{path}/")
        if not out.is_folder:
            files.append((below, out.md5))
            continue
        listed = cache / key_of(out.md5)
        if not listed.is_file():
            return ""
        files += [(f"{below}/{name}", md5) for name, md5 in read_tree(listed.read_bytes())]
    return oid_of_tree(write_tree(files))


def _would_run(dvc: DvcProcess, stages: Sequence[str]) -> frozenset[str]:
    """Stages that DVC would run; asked one by one where it stumbles over one of them."""
    if not stages:
        return frozenset()
    outcome = dvc.run(["repro", "--dry", "--allow-missing", "-s", *stages], lambda _: None)
    if outcome.code == 0:
        return frozenset(_WOULD_RUN.findall("\n".join(outcome.lines))) & frozenset(stages)
    if len(stages) == 1:
        return frozenset(stages)
    return frozenset().union(*(_would_run(dvc, [stage]) for stage in stages))


_WOULD_RUN = re.compile(r"^(?:Running stage|Stage) '([^']+)'(?::| is cached)", re.MULTILINE)


def open_dvc(root: Path) -> DvcProcess:
    """DVC in `root`, with the environment that its stages need."""
    return DvcProcess(root, child_environment(root))


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
    return "up to date"


def summary(runs: list[StageRun]) -> str:
    """Markdown table of the stages."""
    rows = [f"| {run.stage} | {run.result} | {run.wall_seconds:.1f} |" for run in runs]
    total = f"| **all** | | {sum(run.wall_seconds for run in runs):.1f} |"
    return "\n".join(["| stage | result | wall time (s) |", "|---|---|---:|", *rows, total])
