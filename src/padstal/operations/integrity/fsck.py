"""One check of everything that DVC keeps, and its repair: what is wrong, what repaired it, what a person must do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from padstal.core.dvc_rwlock import rwlock_fault
from padstal.operations.integrity import lock_repair, stray_files
from padstal.operations.integrity.evidence import Evidence, gather
from padstal.operations.integrity.findings import Counts, Finding, Report
from padstal.operations.integrity.locations import QUARANTINE, Folder, Place
from padstal.operations.integrity.lost_objects import lost_objects, missing_remotely
from padstal.operations.integrity.repair import Repairer, belongs, remake
from padstal.operations.integrity.run_cache import CorruptRun, check_runs
from padstal.operations.integrity.survey import CorruptObject, Show
from padstal.operations.integrity.workspace import WrongFile


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
    """

    root: Path
    cache: Folder
    links: tuple[str, ...]
    remote: Callable[[], Place] | None
    look_remotely: bool = False
    repair: bool = False
    every_commit: bool = False


def fsck(plan: Plan, show: Show, commits: Callable[[list[str]], Iterable[str]] = iter) -> Report:
    """Check, and repair if the plan says so.

    Raises:
        StoreError: The remote does not answer.
        ValueError: Another DVC process is at work, where a repair is wanted.
    """
    if plan.repair:
        with lock_repair.repository_lock(plan.root):
            return _fsck(plan, show, commits)
    return _fsck(plan, show, commits)


def _fsck(plan: Plan, show: Show, commits: Callable[[list[str]], Iterable[str]]) -> Report:
    findings = _locks(plan)
    remote = plan.remote() if plan.remote and plan.look_remotely else None
    evidence = gather(plan.root, plan.cache, remote, every_commit=plan.every_commit, show=show, commits=commits)
    repairer = Repairer(evidence, plan.links, plan.remote) if plan.repair else None
    findings += [_object("cache", evidence, oid, bad, repairer) for oid, bad in sorted(evidence.in_cache.bad.items())]
    if evidence.in_remote:
        bad_there = sorted(evidence.in_remote.bad.items())
        findings += [_object("remote", evidence, oid, bad, repairer) for oid, bad in bad_there]
    evidence.list_required()
    findings += lost_objects(evidence, repairer, asked=remote is not None, configured=plan.remote is not None)
    findings += missing_remotely(evidence, repairer)
    findings += _workspace(evidence, repairer)
    findings += _runs(evidence, repairer)
    findings += stray_files.strays(evidence, repairer)
    findings += stray_files.states(plan.root)
    counts = [evidence.in_cache.counts, *([evidence.in_remote.counts] if evidence.in_remote else [])]
    counts.append(Counts("workspace", evidence.workspace.files, evidence.workspace.bytes, {}))
    return Report(tuple(findings), tuple(counts))


def _locks(plan: Plan) -> list[Finding]:
    findings = []
    quarantine = plan.cache.path(QUARANTINE)
    wrong = lock_repair.fault(plan.root)
    if wrong:
        repaired = lock_repair.repair_lock(plan.root, quarantine) if plan.repair else ""
        advice = "" if repaired else "`padstal fsck --repair`, then `dvc repro`; or `git checkout dvc.lock`"
        findings.append(Finding("dvc.lock", "unreadable", "dvc.lock", wrong, repaired=repaired, advice=advice))
    wrong = rwlock_fault(plan.root)
    if wrong:
        repaired = lock_repair.repair_rwlock(plan.root, quarantine) if plan.repair else ""
        advice = "" if repaired else "`padstal fsck --repair`"
        findings.append(Finding("locks", "unreadable", ".dvc/tmp/rwlock", wrong, repaired=repaired, advice=advice))
    return findings


def _object(where: str, evidence: Evidence, oid: str, bad: CorruptObject, repairer: Repairer | None) -> Finding:
    repaired = advice = ""
    if repairer is None:
        advice = "`padstal fsck --repair`" + ("" if where == "cache" else " --remote")
    elif where == "cache":
        repaired, advice = repairer.cache_object(oid, bad)
    else:
        repaired, advice = repairer.remote_object(oid, bad)
    place = "cache" if where == "cache" else "remote"
    return Finding(place, "corrupt", oid, bad.detail, belongs(evidence, oid), repaired, advice)  # type: ignore[arg-type]


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


def _runs(evidence: Evidence, repairer: Repairer | None) -> list[Finding]:
    findings = []
    places: list[Place] = [evidence.cache, *([evidence.remote] if evidence.remote else [])]
    checked = [check_runs(place)[1] for place in places]
    for number, bad in enumerate(checked):
        others = [place for place in places if place is not places[number]]
        for run in bad:
            repaired = repairer.run(run, places[number], others) if repairer else ""
            findings.append(_run(run, places[number], repaired))
    return findings


def _run(run: CorruptRun, place: Place, repaired: str) -> Finding:
    advice = (
        "" if repaired else "`padstal fsck --repair`; without it DVC may run that stage again, or take a wrong result"
    )
    return Finding("run-cache", "corrupt", f"{place.name}: {run.entry.key}", run.detail, "", repaired, advice)
