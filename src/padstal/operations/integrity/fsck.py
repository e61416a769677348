"""One check of everything that DVC keeps, and its repair: what is wrong, what repaired it, what a person must do."""

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from padstal.core.data.leftovers import leftovers
from padstal.core.dvc_objects import RUNS, oid_of
from padstal.core.dvc_rwlock import rwlock_fault
from padstal.operations.integrity import lock_repair
from padstal.operations.integrity.absent_objects import absent_here, absent_remotely
from padstal.operations.integrity.evidence import Evidence, gather
from padstal.operations.integrity.findings import Counts, Finding, Location, Report
from padstal.operations.integrity.remotes import QUARANTINE, Store
from padstal.operations.integrity.repair import Repairer, remake
from padstal.operations.integrity.survey import Show, Survey
from padstal.operations.integrity.workspace import WrongFile

YOUNG_SECONDS = 3600.0
"""A file that was written so lately may be a transfer that goes on."""
REPAIR = "`padstal fsck --repair`"
Repair = Callable[[Path, Path], str]


@dataclass(frozen=True)
class Plan:
    """What to check.

    Attributes:
        root: The repository.
        cache: DVC's cache.
        links: How the workspace gets a file of it.
        remote: Gives the remote; None where none is configured.
        look_remotely: Check the remote too; else it is only asked where a repair needs it.
        repair: Put right what can be.
        every_commit: What any commit's `dvc.lock` names is needed.
        read_all: Read a remote's objects whose ETags are right, too.
    """

    root: Path
    cache: Store
    links: tuple[str, ...]
    remote: Callable[[], Store] | None
    look_remotely: bool = False
    repair: bool = False
    every_commit: bool = False
    read_all: bool = False


def fsck(plan: Plan, show: Show, commits: Callable[[list[str]], Iterable[str]] = iter) -> Report:
    """Check, and repair if the plan says so.

    Raises:
        RemoteError: The remote does not answer.
        ValueError: Another DVC process is at work, where a repair is wanted.
    """
    with lock_repair.repository_lock(plan.root) if plan.repair else contextlib.nullcontext():
        findings = _locks(plan)
        evidence = gather(
            plan.root,
            plan.cache,
            plan.remote() if plan.remote and plan.look_remotely else None,
            every_commit=plan.every_commit,
            read_all=plan.read_all,
            show=show,
            commits=commits,
        )
        repairer = Repairer(evidence, plan.links, plan.remote) if plan.repair else None
        for held in evidence.surveys:
            findings += [_corrupt(evidence, held, key, repairer) for key in sorted(held.bad)]
        evidence.list_required()
        findings += absent_here(evidence, repairer, configured=plan.remote is not None)
        findings += absent_remotely(evidence, repairer)
        findings += _workspace(evidence, repairer)
        findings += [_stray(held, entry.key, repairer) for held in evidence.surveys for entry in held.strays]
        findings += [*_leftovers(plan), *_states(plan.root)]
    counts = [held.counts for held in evidence.surveys]
    counts.append(Counts("workspace", evidence.workspace.files, evidence.workspace.bytes, {}))
    return Report(tuple(findings), tuple(counts))


def _locks(plan: Plan) -> list[Finding]:
    """DVC's own files that a kill can tear."""
    quarantine = Path(plan.cache.path(QUARANTINE))
    again = f"{REPAIR}, then `dvc repro`; or `git checkout dvc.lock`"
    checked: list[tuple[Location, str, str, Repair, str]] = [
        ("dvc.lock", "dvc.lock", lock_repair.fault(plan.root), lock_repair.repair_lock, again),
        ("locks", ".dvc/tmp/rwlock", rwlock_fault(plan.root), lock_repair.repair_rwlock, REPAIR),
    ]
    findings = []
    for where, what, wrong, repair, advice in checked:
        if wrong and plan.repair:
            findings.append(Finding(where, "unreadable", what, wrong, repaired=repair(plan.root, quarantine)))
        elif wrong:
            findings.append(Finding(where, "unreadable", what, wrong, advice=advice))
    return findings


def _corrupt(evidence: Evidence, held: Survey, key: str, repairer: Repairer | None) -> Finding:
    """An object or a run that is not what its name says."""
    oid = oid_of(key) or ""
    item = evidence.belongs.get(oid)
    commit = f" at commit {item.commit[:12]}" if item and item.commit else ""
    belongs = f"{item.path} ({item.out.stage}{commit})" if item else ""
    repaired, advice = "", REPAIR if held.where == "cache" else "`padstal fsck --remote --repair`"
    if repairer:
        repaired, advice = repairer.replace(held, key)
    elif key.startswith(RUNS):
        advice += "; without it DVC may run that stage again, or take a wrong result"
    if key.startswith(RUNS):
        return Finding("run-cache", "corrupt", f"{held.store.name}: {key}", held.bad[key].detail, "", repaired, advice)
    return Finding(held.where, "corrupt", oid, held.bad[key].detail, belongs, repaired, advice)


def _workspace(evidence: Evidence, repairer: Repairer | None) -> list[Finding]:
    findings = []
    for path, process in evidence.workspace.busy.items():
        findings.append(Finding("workspace", "note", path, f"process {process} is writing it; not looked at"))
    for wrong in evidence.workspace.wrong:
        repaired = repairer.workspace_file(wrong) if repairer else ""
        advice = "" if repaired else _advice(wrong, repairer)
        stage = wrong.out.stage
        findings.append(Finding("workspace", "differs", wrong.path, _said(wrong), stage, repaired, advice))
    for out in evidence.workspace.unjudged:
        detail = "a folder that is not what dvc.lock names; which file it is cannot be told, its list of files is lost"
        findings.append(Finding("workspace", "differs", out.path, detail, out.stage, "", remake(out.stage)))
    return findings


def _said(wrong: WrongFile) -> str:
    if not wrong.oid:
        return "dvc.lock does not name it"
    return f"MD5 {wrong.md5}, dvc.lock says {wrong.oid}" if wrong.md5 else "missing from its folder"


def _advice(wrong: WrongFile, repairer: Repairer | None) -> str:
    if not wrong.out.cached:
        return f"`git checkout {wrong.path}`, or {remake(wrong.out.stage)}"
    if repairer is None:
        return f"`dvc checkout --force {wrong.out.path}`, or if it is meant so {remake(wrong.out.stage)}"
    return remake(wrong.out.stage)


def _stray(held: Survey, key: str, repairer: Repairer | None) -> Finding:
    """A file among the objects that is none."""
    what = f"{held.store.name}: {key}"
    file = Path(held.store.path(key))
    if held.store.kind == "local" and time.time() - file.stat().st_mtime < YOUNG_SECONDS:
        detail = "written within the hour; a transfer that goes on, or was killed"
        return Finding(held.where, "note", what, detail)
    repaired = f"moved to {held.store.set_aside(key, 'stray')}" if repairer else ""
    advice = "" if repaired else REPAIR
    return Finding(held.where, "stray", what, "no object; left by a killed transfer", "", repaired, advice)


def _leftovers(plan: Plan) -> list[Finding]:
    """Half outputs of stages that were killed; the next stage removes them too."""
    findings = []
    for one in leftovers(plan.root):
        name = one.path.relative_to(plan.root).as_posix()
        if not one.dead:
            findings.append(Finding("workspace", "note", name, "half an output; its process may be at work"))
            continue
        if plan.repair:
            one.remove()
        repaired = "removed" if plan.repair else ""
        advice = "" if repaired else f"{REPAIR}, or the next stage"
        findings.append(Finding("workspace", "stray", name, "half an output of a killed stage", "", repaired, advice))
    return findings


def _states(root: Path) -> list[Finding]:
    """Checkpoints that stopped trainings left; the same stage with the same params and code goes on from them."""
    findings = []
    for folder in sorted((root / ".state").glob("*/*")):
        files = [file for file in folder.rglob("*") if file.is_file()] if folder.name != "ingest" else []
        if files:
            name = folder.relative_to(root).as_posix()
            mebibytes = sum(file.stat().st_size for file in files) / 2**20
            detail = f"{mebibytes:.1f} MiB of a stage that is at work or was stopped; it goes on from there"
            findings.append(Finding(".state", "note", name, detail, advice=f"if it is not wanted: `rm -r {name}`"))
    return findings
