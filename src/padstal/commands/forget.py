"""`padstal forget`: a tombstone that ingestion obeys, who saw the track, and its removal from data, cache and remotes.

This proves which models saw a track and that its data are gone. It does not make a model unlearn: models that saw it
must be trained again without it, and are listed.
"""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tqdm import tqdm

from padstal.commands.lineage import print_sections
from padstal.core.dvc_lock import LockedPath
from padstal.core.params import read_yaml
from padstal.operations.lineage.checkouts import check_idle
from padstal.operations.lineage.exposure import SAW, Exposure, exposures
from padstal.operations.lineage.find import facts_of, find_files, near_duplicates
from padstal.operations.lineage.removal import (
    Plan,
    RemovalResult,
    carry_out,
    make_plan,
    pending,
    remove_sources,
    source_files,
    write_down,
)
from padstal.operations.lineage.trace import Trace
from padstal.operations.lineage.view import Past, exposure_record, open_past
from padstal.rights.tombstones import Tombstone, add_tombstones, read_tombstones

TOMBSTONES = Path("data") / "tombstones.jsonl"
UNLEARNING = (
    "This shows exposure and removes data; it is no unlearning. Models that saw a track must be trained again without "
    "it: commit data/tombstones.jsonl, then run `dvc repro`."
)


@dataclass(frozen=True)
class Options:
    """What is asked for.

    Attributes:
        tracks: SHA-256s, ids, paths; none for all tombstones that there are.
        reason, requested_by: For the tombstone.
        duplicates: Whether near-duplicates go too.
        source: Whether the user's own files go too.
        models: "keep" or "remove" the models that saw a track.
        dry_run: Only say what would be done.
        yes: Do not ask.
        as_json: Say it as JSON.
    """

    tracks: tuple[str, ...] = ()
    reason: str = ""
    requested_by: str = ""
    duplicates: bool = False
    source: bool = False
    models: str = "keep"
    dry_run: bool = False
    yes: bool = False
    as_json: bool = False


@dataclass(frozen=True)
class Intent:
    """What a run would do, found out before anything changes."""

    files: dict[str, list[dict[str, Any]]]
    duplicates: dict[str, str]
    exposed: list[Exposure]
    trace: Trace
    plan: Plan
    kept: frozenset[LockedPath]
    own: list[tuple[str, str]]


def run(root: Path, options: Options, confirm: Callable[[str], bool]) -> int:
    """Forget the tracks; 1 if something could not be removed (run it again), or the answer was no.

    Raises:
        ValueError: A track that is not known, nothing to do, a stage at work, or a history that was cut.
    """
    if options.models not in ("keep", "remove"):
        raise ValueError(f"--models {options.models}: expected keep or remove")
    past = open_past(root)
    known = read_tombstones(root / TOMBSTONES)
    sha256s = {find_files(past.tables, wanted)[0] for wanted in options.tracks} if options.tracks else set(known)
    unfinished = pending(root)
    if not sha256s and unfinished is None:
        raise ValueError("nothing to forget: name a track, or have tombstones in data/tombstones.jsonl")
    duplicates = near_duplicates(past.tables, sha256s)
    if options.duplicates:
        sha256s |= set(duplicates)
    intent = _intent(past, sha256s, duplicates, options)
    for why in past.stores.unreadable.values():
        raise ValueError(f"{why}; nothing was changed: what it keeps must be known, so mend it first")
    record = _record(intent, options, len(unfinished.objects) if unfinished else 0)
    if not options.as_json:
        del record["sha256"]  # "files" names them
        print_sections({**record, "objects": len(intent.plan.objects)})
    if options.dry_run:
        return _finish(options, record, None)
    check_idle(root)
    if not options.yes and not confirm(
        f"Remove {len(intent.plan.objects)} objects and {len(intent.plan.paths)} paths?"
    ):
        return 1
    today = date.today().isoformat()
    add_tombstones(
        root / TOMBSTONES,
        (Tombstone(sha256, today, options.reason, options.requested_by) for sha256 in sorted(sha256s)),
    )
    plan = intent.plan if unfinished is None else unfinished.joined(intent.plan)
    write_down(root, plan)
    if intent.own:  # before the mirror, which knows a bucket's keys, is emptied
        remove_sources(_sources(root), intent.own)
    with _dvc_lock(root):
        done = carry_out(root, plan, past.stores, _bar)
    return _finish(options, record, done)


def _intent(past: Past, sha256s: set[str], duplicates: dict[str, str], options: Options) -> Intent:
    trace = past.trace(sha256s)
    exposed = exposures(past.models(), sha256s)
    plan, kept = make_plan(past.root, trace, exposed, remove_models=options.models == "remove")
    own = source_files(past.root, _sources(past.root), sha256s) if options.source else []
    left = {sha: path for sha, path in duplicates.items() if sha not in sha256s}
    return Intent(facts_of(past.tables, sha256s), left, exposed, trace, plan, kept, own)


def _sources(root: Path) -> list[dict[str, Any]]:
    """Sources of all scales, with their defaults, each once."""
    from padstal.core.params import ParamsError, load_section
    from padstal.ingest.config import IngestParams

    found: list[dict[str, Any]] = []
    for scale in read_yaml(root / "params.yaml").get("scales", {}):
        try:
            sources = load_section(root / "params.yaml", "ingest", IngestParams, scale).sources
        except ParamsError:
            continue
        found += [one for source in sources if (one := source.model_dump()) not in found]
    return found


def _dvc_lock(root: Path) -> Any:
    """DVC's own lock, so that no `dvc` command writes meanwhile."""
    from dvc.repo import Repo

    return Repo(str(root)).lock


def _bar(items: Iterable[Any], **options: Any) -> Iterable[Any]:
    return tqdm(items, desc="forget", leave=False, **options)


def _record(intent: Intent, options: Options, unfinished: int) -> dict[str, Any]:
    """What a run would do, for machines and people."""
    notes = []
    if intent.duplicates:
        notes.append("near-duplicates stay, and may be used in the stead of what goes; --duplicates takes them too")
    if unfinished:
        notes.append(f"{unfinished} objects of a removal that was not completed go as well")
    unlisted = intent.trace.unlisted(intent.kept)
    if unlisted:
        notes.append(
            f"{len(unlisted)} older outputs have no listing any more, here or in a remote; nothing to read there"
        )
    if not options.source and any(row["source"] != "synth" for rows in intent.files.values() for row in rows):
        notes.append("your own source files stay; --source removes them too. Until then ingestion passes them over")
    if any(one.how == SAW for one in intent.exposed):
        notes.append(UNLEARNING)
    named = {sha: [f"{row['source']}: {row['path']}" for row in rows] for sha, rows in intent.files.items()}
    return {
        "sha256": list(intent.plan.sha256s),
        "files": {sha: "; ".join(named.get(sha, ())) or "no table names it" for sha in intent.plan.sha256s},
        "near_duplicates": intent.duplicates,
        "models": [
            {**exposure_record(one), "fate": "keep" if one.model.ref in intent.kept else "remove"}
            for one in intent.exposed
        ],
        "objects": list(intent.plan.objects),
        "paths": list(intent.plan.paths),
        "own": [list(pair) for pair in intent.own],
        "notes": notes,
    }


def _finish(options: Options, record: dict[str, Any], done: RemovalResult | None) -> int:
    if options.as_json:
        print(json.dumps({**record, "done": None if done is None else vars(done)}, indent=2, ensure_ascii=False))
    elif done is not None:
        for place, count in done.removed.items():
            print(f"{place}: {count} objects removed; looked again, none is left")
        print(
            f"{done.runs} run-cache entries, {done.paths} files and folders, {done.state} entries of .state, "
            f"{done.mirrored} mirrored files removed"
        )
        for note in done.notes:
            print(f"note: {note}")
    for place, why in (done.failed if done else {}).items():
        print(f"padstal: {place}: {why}; mend it and run `padstal forget` again", file=sys.stderr)
    return 1 if done and done.failed else 0
