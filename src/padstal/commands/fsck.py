"""`padstal fsck`: whether every byte that DVC keeps is what `dvc.lock` says, and the repair of what is not."""

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path

from rich.console import Console

from padstal.operations.integrity.fsck import Finding, Fsck, Report
from padstal.operations.integrity.remotes import cache_of, default_remote, read_config, remote_of


def run(root: Path, *, remote: bool, name: str, repair: bool, read_all: bool, as_json: bool) -> int:
    """Check, repair if asked, and say what was found, of options as `Fsck` has them; 1 if not all is as it should be.

    A remote that is given by its name is looked at, too.

    Raises:
        FileNotFoundError: No DVC repository here.
        ValueError: The remote does not answer, or another DVC process is at work.
    """
    config = read_config(root)
    asked = name or default_remote(config)
    look = remote or bool(name)
    give = cache(lambda: remote_of(config, asked)) if asked or look else None
    report = Fsck(root, cache_of(config), give, look, repair, read_all).run()
    if as_json:
        print(json.dumps({"clean": report.clean, **asdict(report)}, indent=2, ensure_ascii=False))
    else:
        _print(report, f"`padstal fsck{' --remote' * look} --repair` repairs what it can" if not repair else "")
    return 0 if report.clean else 1


def _print(report: Report, advice: str) -> None:
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for line in report.told:
        console.print(line)
    for finding in report.findings:
        console.print(_line(finding))
    faults = sum(finding.fault != "note" for finding in report.findings)
    left = sum(finding.open for finding in report.findings)
    if not faults:
        console.print("clean")
    elif not left:
        console.print(f"{faults} faults, all repaired")
    else:
        console.print(f"{faults} faults, {faults - left} repaired, {left} left; {advice or 'see what is said at each'}")


def _line(finding: Finding) -> str:
    head = "repaired" if finding.repaired else finding.fault
    place = f"{head}: {finding.where}: {finding.what}{f', {finding.belongs}' * bool(finding.belongs)}"
    return "; ".join(filter(None, (f"{place}: {finding.detail}", finding.repaired, finding.advice)))
