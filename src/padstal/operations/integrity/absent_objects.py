"""What `dvc.lock` names and a store does not hold: lost where nobody has it, else waiting to be pulled or pushed."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from padstal.core.dvc_lock import LockedPath
from padstal.core.dvc_objects import key_of
from padstal.core.git import try_git
from padstal.operations.integrity.evidence import Evidence
from padstal.operations.integrity.findings import Finding
from padstal.operations.integrity.repair import Repairer, remake
from padstal.operations.integrity.required import RequiredObject
from padstal.operations.integrity.survey import Survey
from padstal.rights.tombstones import read_tombstones

SHOWN = 3


def absent_here(evidence: Evidence, repairer: Repairer | None, *, configured: bool) -> list[Finding]:
    """Objects that the cache lacks: lost ones, one finding for each output; and those elsewhere, as a note.

    Args:
        evidence: What was found.
        repairer: Puts into the cache what the workspace alone has; None repairs nothing.
        configured: There is a remote, though it may not have been looked at.
    """
    findings: list[Finding] = []
    away: list[RequiredObject] = []
    forgotten: list[RequiredObject] = []
    for (out, commit), required in _by_output(evidence.required).items():
        absent = _absent(evidence.cache, required)
        here, rest = _divided(absent, evidence.copy_here)
        elsewhere, nowhere = _divided(rest, lambda oid: evidence.remote is not None and oid in evidence.remote)
        if here:
            repaired = repairer is not None and repairer.add(evidence.cache, here)
            findings.append(
                Finding(
                    *("cache", "lost", out.path),
                    f"the cache lacks {_counted(here)}; the workspace has {'it' if len(here) == 1 else 'them'}",
                    out.stage,
                    "put into the cache from the workspace" if repaired else "",
                    "" if repaired else "`padstal fsck --repair`, or `dvc commit`",
                )
            )
        away += elsewhere
        if configured and not evidence.remote:
            away += nowhere
        elif nowhere and _before_a_tombstone(evidence.root, commit):
            forgotten += nowhere
        elif nowhere:
            where = "neither the cache nor the remote has" if evidence.remote else "the cache lacks"
            detail, advice = f"{where} {_counted(nowhere)}", remake(out.stage, commit)
            findings.append(Finding("cache", "lost", out.path, detail, out.stage, "", advice))
    if away:
        asked = evidence.remote is not None
        advice = "`dvc pull`" if asked else "`dvc pull`, or `padstal fsck --remote` to see whether the remote has them"
        findings.append(_note("cache", away, "not in this cache", advice))
    if forgotten:
        detail = "nowhere, and older than a tombstone, so `padstal forget` may have removed it"
        findings.append(_note("cache", forgotten, detail, ""))
    return findings


def absent_remotely(evidence: Evidence, repairer: Repairer | None) -> list[Finding]:
    """What the remote lacks: of a folder whose list it has, a fault (a push would take it for whole); else a note."""
    if evidence.remote is None:
        return []
    findings: list[Finding] = []
    waiting: list[RequiredObject] = []
    for (out, commit), required in _by_output(evidence.required).items():
        absent = _absent(evidence.remote, required)
        held = [item for item in absent if item.oid in evidence.cache]
        if not (absent and out.is_folder and out.md5 in evidence.remote):
            waiting += held
        elif held or not _before_a_tombstone(evidence.root, commit):
            repaired = repairer is not None and repairer.add(evidence.remote, absent)
            detail = f"the remote has the folder's list but lacks {_counted(absent)}, and DVC's push may not see it"
            advice = "" if repaired else ("`padstal fsck --remote --repair`" if held else remake(out.stage, commit))
            put = "put into the remote" if repaired else ""
            findings.append(Finding("remote", "lost", out.path, detail, out.stage, put, advice))
    if waiting:
        findings.append(_note("remote", waiting, "not in the remote", "`dvc push`"))
    return findings


def _by_output(required: Iterable[RequiredObject]) -> dict[tuple[LockedPath, str], list[RequiredObject]]:
    grouped: dict[tuple[LockedPath, str], list[RequiredObject]] = {}
    for item in required:
        if item.out.cached:
            grouped.setdefault((item.out, item.commit), []).append(item)
    return grouped


def _absent(held: Survey, required: Iterable[RequiredObject]) -> list[RequiredObject]:
    """Of these, what a store does not hold in any state; each object once."""
    found: dict[str, RequiredObject] = {}
    for item in required:
        if item.oid not in held and key_of(item.oid) not in held.bad:
            found.setdefault(item.oid, item)
    return list(found.values())


def _divided(
    required: Iterable[RequiredObject], holds: Callable[[str], bool]
) -> tuple[list[RequiredObject], list[RequiredObject]]:
    found: tuple[list[RequiredObject], list[RequiredObject]] = ([], [])
    for item in required:
        found[0 if holds(item.oid) else 1].append(item)
    return found


def _before_a_tombstone(root: Path, commit: str) -> bool:
    """Whether a track was forgotten on the day of a commit or later."""
    stones = read_tombstones(root / "data" / "tombstones.jsonl").values() if commit else ()
    return any(try_git(root, "show", "-s", "--format=%cs", commit) <= stone.date for stone in stones)


def _note(where: str, required: Sequence[RequiredObject], detail: str, advice: str) -> Finding:
    count = len({item.oid for item in required})
    return Finding(where, "note", f"{count} objects", f"{detail}: {_counted(required)}", advice=advice)  # type: ignore[arg-type]


def _counted(required: Sequence[RequiredObject]) -> str:
    """A count and the first names."""
    paths = list(dict.fromkeys(item.path for item in required))
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    count = len({item.oid for item in required})
    return f"{count} {'object' if count == 1 else 'objects'}: {', '.join(paths[:SHOWN])}{more}"
