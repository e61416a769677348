"""`padstal fsck`: whether every byte that DVC keeps is what `dvc.lock` says, and the repair of what is not."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from tqdm import tqdm

if TYPE_CHECKING:
    from padstal.operations.integrity.findings import Finding, Report
    from padstal.operations.integrity.fsck import Plan

SHOWN_NOTES = 10


def run(root: Path, *, remote: bool, name: str, repair: bool, every_commit: bool, read_all: bool, as_json: bool) -> int:
    """Check, repair if asked, and say what was found; 1 if something is not as it should be.

    Args:
        root: The repository.
        remote: Check the remote too.
        name: Of the remote, which is checked then; "" for the default one.
        repair: Put right what can be.
        every_commit: What any commit's `dvc.lock` names is needed.
        read_all: Download all of an S3 remote rather than trust its ETags.
        as_json: Print JSON.

    Raises:
        FileNotFoundError: No DVC repository here.
        ValueError: The remote does not answer, or another DVC process is at work.
    """
    from padstal.operations.integrity.fsck import Plan, fsck
    from padstal.operations.integrity.remotes import cache_of, read_config, remote_of

    config = read_config(root)
    asked = name or config.default
    look_remotely = remote or bool(name)
    if look_remotely and not asked:
        raise ValueError("--remote: no DVC remote is configured; `dvc remote add -d NAME URL`")
    give = (lambda: remote_of(config, asked)) if asked else None
    plan = Plan(root, cache_of(config), config.links, give, look_remotely, repair, every_commit, read_all)
    report = fsck(plan, _bar, _commits)
    if as_json:
        print(json.dumps({"clean": report.clean, **asdict(report)}, indent=2, ensure_ascii=False))
    else:
        _print(report, plan)
    return 0 if report.clean else 1


def _bar(label: str, total: int) -> "tqdm[None]":
    return tqdm(total=total, desc=label, unit="B", unit_scale=True, mininterval=0.5, leave=False, dynamic_ncols=True)


def _commits(commits: list[str]) -> Iterable[str]:
    return tqdm(commits, desc="commits", unit="commit", mininterval=0.5, leave=False, dynamic_ncols=True)


def _print(report: "Report", plan: "Plan") -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for counts in report.counts:
        how = ", ".join(f"{count} by {name}" for name, count in sorted(counts.by.items()))
        console.print(
            f"{counts.where}: {counts.objects} objects, {counts.bytes / 2**20:.1f} MiB{f' ({how})' * bool(how)}"
        )
    notes = [finding for finding in report.findings if finding.fault == "note"]
    faults = [finding for finding in report.findings if finding.fault != "note"]
    for finding in (*faults, *notes[:SHOWN_NOTES]):
        console.print(_line(finding))
    if len(notes) > SHOWN_NOTES:
        console.print(f"and {len(notes) - SHOWN_NOTES} more notes: --json shows all")
    left = sum(finding.open for finding in faults)
    if not faults:
        console.print("clean")
    elif not left:
        console.print(f"{len(faults)} faults, all repaired")
    elif plan.repair:
        console.print(f"{len(faults)} faults, {len(faults) - left} repaired, {left} left: see what is said at each")
    else:
        console.print(
            f"{len(faults)} faults; `padstal fsck{' --remote' * plan.look_remotely} --repair` repairs what it can"
        )


def _line(finding: "Finding") -> str:
    head = "note" if finding.fault == "note" else "repaired" if finding.repaired else finding.fault
    text = f"{head}: {finding.where}: {finding.what}"
    if finding.belongs:
        text += f", {finding.belongs}"
    text += f": {finding.detail}"
    if finding.repaired:
        text += f"; {finding.repaired}"
    return text + (f"; {finding.advice}" if finding.advice else "")
