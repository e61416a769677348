"""What killed processes left behind: half transfers in the cache and remote, and checkpoints of stopped trainings."""

import time
from pathlib import Path

from padstal.operations.integrity.evidence import Evidence
from padstal.operations.integrity.findings import Finding
from padstal.operations.integrity.locations import Entry, Folder, Place
from padstal.operations.integrity.repair import Repairer

YOUNG_SECONDS = 3600.0
"""A file that was written so lately may be a transfer that goes on."""
KEPT = ("ingest",)
"""Folders of `.state` that are kept on purpose."""


def strays(evidence: Evidence, repairer: Repairer | None) -> list[Finding]:
    """Files among the objects that are none."""
    findings = []
    for place, held in ((evidence.cache, evidence.in_cache), (evidence.remote, evidence.in_remote)):
        if place is None or held is None:
            continue
        for entry in held.strays:
            what = f"{place.name}: {entry.key}"
            if _young(place, entry):
                detail = f"{entry.bytes} bytes, written within the hour; a transfer that goes on, or was killed"
                findings.append(Finding("cache" if place is evidence.cache else "remote", "note", what, detail))
                continue
            repaired = repairer.stray(place, entry.key) if repairer else ""
            detail = f"{entry.bytes} bytes that are no object; left by a killed transfer"
            advice = "" if repaired else "`padstal fsck --repair`"
            where = "cache" if place is evidence.cache else "remote"
            findings.append(Finding(where, "stray", what, detail, "", repaired, advice))  # type: ignore[arg-type]
    return findings


def states(root: Path) -> list[Finding]:
    """Checkpoints that stopped trainings left; the same stage with the same params and code goes on from them."""
    findings = []
    for folder in sorted((root / ".state").glob("*/*")):
        if folder.name in KEPT or not folder.is_dir():
            continue
        files = [file for file in folder.rglob("*") if file.is_file()]
        if files:
            name = folder.relative_to(root).as_posix()
            mebibytes = sum(file.stat().st_size for file in files) / 2**20
            detail = f"{mebibytes:.1f} MiB of a stage that is at work or was stopped; it goes on from there"
            findings.append(Finding(".state", "note", name, detail, advice=f"if it is not wanted: `rm -r {name}`"))
    return findings


def _young(place: Place, entry: Entry) -> bool:
    if not isinstance(place, Folder):
        return False
    try:
        return time.time() - place.path(entry.key).stat().st_mtime < YOUNG_SECONDS
    except FileNotFoundError:
        return True
