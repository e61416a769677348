"""What `dvc.lock` names and a place does not hold: lost where nobody has it, else waiting to be pulled or pushed."""

from collections.abc import Iterable, Sequence

from padstal.core.dvc_lock import LockedPath
from padstal.core.dvc_objects import digits
from padstal.operations.integrity.evidence import Evidence
from padstal.operations.integrity.findings import Finding
from padstal.operations.integrity.repair import Repairer, remake
from padstal.operations.integrity.required import RequiredObject

SHOWN = 3


def lost_objects(evidence: Evidence, repairer: Repairer | None, *, asked: bool, configured: bool) -> list[Finding]:
    """Objects that `dvc.lock` names and that are nowhere, one finding for each output; and those elsewhere, as notes.

    Args:
        evidence: What was found.
        repairer: Puts into the cache what the workspace alone has; None repairs nothing.
        asked: The remote was looked at.
        configured: There is one.
    """
    findings: list[Finding] = []
    away: list[RequiredObject] = []
    for (out, commit), required in _by_output(evidence.required).items():
        absent = _absent(evidence, required)
        here = [item for item in absent if digits(item.oid) in evidence.workspace.copies or _made(evidence, item.oid)]
        elsewhere = [item for item in absent if evidence.in_remote is not None and item.oid in evidence.in_remote]
        nowhere = [item for item in absent if item not in here and item not in elsewhere]
        if here:
            repaired = _into_cache(here, repairer)
            detail = f"the cache lacks {_counted(here)}; the workspace has {'it' if len(here) == 1 else 'them'}"
            advice = "" if repaired else "`padstal fsck --repair`, or `dvc commit`"
            findings.append(Finding("cache", "lost", out.path, detail, out.stage, repaired, advice))
        if nowhere and (asked or not configured):
            where = "neither the cache nor the remote has" if asked else "the cache lacks"
            detail = f"{where} {_counted(nowhere)}"
            findings.append(Finding("cache", "lost", out.path, detail, out.stage, "", remake(out.stage, commit)))
            away += elsewhere
        else:
            away += [*elsewhere, *nowhere]
    if away:
        detail = f"not in this cache: {_counted(away)}"
        advice = "`dvc pull`" if asked else "`dvc pull`, or `padstal fsck --remote` to see whether the remote has them"
        findings.append(Finding("cache", "note", f"{len({item.oid for item in away})} objects", detail, advice=advice))
    return findings


def missing_remotely(evidence: Evidence, repairer: Repairer | None) -> list[Finding]:
    """What the remote lacks: of a folder whose list it has, a fault (a push would take it for whole); else a note."""
    if evidence.in_remote is None:
        return []
    findings: list[Finding] = []
    waiting: list[RequiredObject] = []
    for (out, _), required in _by_output(evidence.required).items():
        absent = [
            item for item in required if item.oid not in evidence.in_remote and item.oid not in evidence.in_remote.bad
        ]
        if out.is_folder and out.md5 in evidence.in_remote and absent:
            held = [item for item in absent if item.oid in evidence.in_cache]
            repaired = _into_remote(absent, repairer) if repairer else ""
            detail = f"the remote has the folder's list but lacks {_counted(absent)}, and DVC's push may not see it"
            advice = "" if repaired else ("`padstal fsck --remote --repair`" if held else remake(out.stage))
            findings.append(Finding("remote", "lost", out.path, detail, out.stage, repaired, advice))
        else:
            waiting += [item for item in absent if item.oid in evidence.in_cache]
    if waiting:
        count = f"{len({item.oid for item in waiting})} objects"
        findings.append(
            Finding("remote", "note", count, f"not in the remote: {_counted(waiting)}", advice="`dvc push`")
        )
    return findings


def _by_output(required: Iterable[RequiredObject]) -> dict[tuple[LockedPath, str], list[RequiredObject]]:
    grouped: dict[tuple[LockedPath, str], list[RequiredObject]] = {}
    for item in required:
        if item.out.cached:
            grouped.setdefault((item.out, item.commit), []).append(item)
    return grouped


def _absent(evidence: Evidence, required: Sequence[RequiredObject]) -> list[RequiredObject]:
    """Of these, what the cache does not hold in any state; each object once."""
    found = {
        item.oid: item
        for item in reversed(required)
        if item.oid not in evidence.in_cache and item.oid not in evidence.in_cache.bad
    }
    return list(reversed(found.values()))


def _made(evidence: Evidence, oid: str) -> bool:
    return oid in evidence.workspace.trees


def _into_cache(required: Sequence[RequiredObject], repairer: Repairer | None) -> str:
    if repairer is None:
        return ""
    sources = [repairer.add(item.oid, to_remote=False) for item in required]
    return "put into the cache from the workspace" if all(sources) else ""


def _into_remote(required: Sequence[RequiredObject], repairer: Repairer) -> str:
    sources = [repairer.add(item.oid, to_remote=True) for item in required]
    return "put into the remote" if all(sources) else ""


def _counted(required: Sequence[RequiredObject]) -> str:
    """A count and the first names."""
    paths = list(dict.fromkeys(item.path for item in required))
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    noun = "object" if len({item.oid for item in required}) == 1 else "objects"
    return f"{len({item.oid for item in required})} {noun}: {', '.join(paths[:SHOWN])}{more}"
