"""`padstal forget`: a tombstone that ingestion obeys, who saw the track, and its removal from data, cache and remotes.

This proves which models saw a track and that its data are gone. It does not make a model unlearn: models that saw it
must be trained again without it, and are listed.
"""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from padstal.commands.lineage import print_record
from padstal.core.params import load_section, read_yaml
from padstal.ingest.config import IngestParams
from padstal.operations.integrity.lock_repair import repository_lock
from padstal.operations.lineage.checkouts import check_idle
from padstal.operations.lineage.exposure import SAW, UNKNOWN, all_models, exposures
from padstal.operations.lineage.find import facts_of, find_file, near_duplicates
from padstal.operations.lineage.removal import (
    Plan,
    carry_out,
    make_plan,
    pending,
    remove_sources,
    source_files,
)
from padstal.operations.lineage.runs import read_runs
from padstal.operations.lineage.trace import Trace
from padstal.operations.lineage.view import TOMBSTONES, exposure_record
from padstal.rights.tombstones import Tombstone, add_tombstones, read_tombstones

UNLEARNING = (
    "This shows exposure and removes data; it is no unlearning. Models that saw a track must be trained again without "
    "it: commit data/tombstones.jsonl, then run `dvc repro`."
)


@dataclass(frozen=True)
class Options:
    """What is asked for, as `padstal forget --help` explains it; no tracks stand for all tombstones that there are."""

    tracks: tuple[str, ...] = ()
    reason: str = ""
    requested_by: str = ""
    duplicates: bool = False
    source: bool = False
    models: str = "keep"
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False


def run(root: Path, options: Options, confirm: Callable[[str], bool]) -> int:
    """Forget the tracks; 1 if something could not be removed (run it again), or the answer was no.

    Raises:
        ValueError: A track that is not known, nothing to do, a stage at work, or a history that was cut.
    """
    if options.models not in ("keep", "remove"):
        raise ValueError(f"--models {options.models}: expected keep or remove")
    runs = read_runs(root)
    sha256s = {find_file(runs, wanted) for wanted in options.tracks}
    if not options.tracks:
        sha256s.update(read_tombstones(root / TOMBSTONES))
    unfinished = pending(root)
    if not sha256s and unfinished is None:
        raise ValueError("nothing to forget: name a track, or have tombstones in data/tombstones.jsonl")
    duplicates = near_duplicates(runs, sha256s)
    if options.duplicates:
        sha256s |= set(duplicates)
    trace = Trace(runs, sha256s)
    exposed = exposures(all_models(runs), sha256s)
    going = {one.model.ref for one in exposed if one.how != UNKNOWN and options.models == "remove"}
    kept = {ref for ref in trace.touched if ref.path.startswith("models/")} - going
    plan = make_plan(root, trace, kept)
    sources = _sources(root) if options.source else []
    own = source_files(root, sources, sha256s)
    for why in runs.stores.unreadable.values():
        raise ValueError(f"{why}; nothing was changed: what it keeps must be known, so mend it first")
    files = facts_of(runs, sha256s)
    record = {
        "sha256": list(plan.sha256s),
        "files": {sha: [f"{row['source']}: {row['path']}" for row in files.get(sha, ())] for sha in plan.sha256s},
        "near_duplicates": {sha: path for sha, path in duplicates.items() if sha not in sha256s},
        "models": [{**exposure_record(one), "fate": "remove" if one.model.ref in going else "keep"} for one in exposed],
        "objects": list(plan.objects),
        "paths": list(plan.paths),
        "own": [list(pair) for pair in own],
    }
    record["notes"] = _notes(options, record, unfinished)
    done = None
    if not options.as_json:
        print_record({**record, "objects": len(plan.objects)}, as_json=False)
    if not options.dry_run:
        check_idle(root)
        if not options.yes and not confirm(f"Remove {len(plan.objects)} objects and {len(plan.paths)} paths?"):
            return 1
        today = date.today().isoformat()
        stones = (Tombstone(sha256, today, options.reason, options.requested_by) for sha256 in sorted(sha256s))
        add_tombstones(root / TOMBSTONES, stones)
        remove_sources(sources, own)  # before the mirror, which knows a bucket's keys, is emptied
        with repository_lock(root):
            done = carry_out(root, unfinished.joined(plan) if unfinished else plan, runs.stores)
    if options.as_json:
        print_record({**record, "done": done and asdict(done)}, as_json=True)
    elif done:
        print_record({"done": asdict(done)}, as_json=False)
    for place, why in (done.failed if done else {}).items():
        print(f"padstal: {place}: {why}; mend it and run `padstal forget` again", file=sys.stderr)
    return 1 if done and done.failed else 0


def _notes(options: Options, record: dict[str, Any], unfinished: Plan | None) -> list[str]:
    """What a person should know before it is done."""
    notes = []
    if record["near_duplicates"]:
        notes.append("near-duplicates stay, and may be used in the stead of what goes; --duplicates takes them too")
    if unfinished:
        notes.append("a removal that was not completed is done as well")
    if not options.source:
        notes.append("your own source files stay, and ingestion passes them over; --source removes them too")
    if any(one["how"] == SAW for one in record["models"]):
        notes.append(UNLEARNING)
    return notes


def _sources(root: Path) -> list[dict[str, Any]]:
    """Sources of all scales, with their defaults, each once."""
    found: list[dict[str, Any]] = []
    for scale in read_yaml(root / "params.yaml").get("scales", {}):
        sources = load_section(root / "params.yaml", "ingest", IngestParams, scale).sources
        found += [one for source in sources if (one := source.model_dump()) not in found]
    return found
