"""Which files a person means: by SHA-256, the id of a track or clip, a path or its end; and their near-duplicates.

The tables of the workspace are asked first, then those of every ingest that DVC still has.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from padstal.core.data.content import sha256_file
from padstal.operations.lineage.runs import Runs
from padstal.operations.lineage.tables import rows_of
from padstal.operations.lineage.trace import TABLES

LEAST_DIGITS = 6
CURATED = ("dataset.parquet", "removed.parquet")
FACTS = ("path", "source", "sha256", "artist", "album", "title", "licence", "source_url", "reason")


def _tables(runs: Runs, stage: str, names: Sequence[str]) -> Iterator[list[bytes | str]]:
    """These tables of every run of a stage, the workspace's first; each read when it is its turn."""
    for folder in sorted((runs.history.root / "data").glob(f"*/{stage}")):
        yield [str(folder / name) for name in names if (folder / name).is_file()]
    for ref in sorted(out for out in runs.makers if re.fullmatch(f"data/[^/]+/{stage}", out.path)):
        files = runs.stores.files(ref)
        yield [content for name in names if name in files and (content := runs.stores.read(files[name]))]


def find_file(runs: Runs, wanted: str, models: Sequence[str] = ()) -> str:
    """The SHA-256 of the file that `wanted` means; a clip's id means its file. `models` might have been meant, too.

    Raises:
        ValueError: Nothing, or several files, are meant by it.
    """
    if re.fullmatch(r"[0-9a-f]{64}", wanted):
        return wanted
    if (file := runs.history.root / wanted).is_file():
        return sha256_file(file)
    is_id = re.fullmatch(rf"[0-9a-f]{{{LEAST_DIGITS},}}", wanted)
    for of_one in _tables(runs, "ingest", TABLES):
        found: dict[str, str] = {}
        for row in (row for table in of_one for row in rows_of(table, ("sha256", "path", "clip_id"))):
            sha256, path, clip_id = (str(row.get(name) or "") for name in ("sha256", "path", "clip_id"))
            by_id = is_id and (sha256.startswith(wanted) or clip_id.startswith(wanted))
            if sha256 and (by_id or f"/{path}".endswith(f"/{wanted}")):
                found[sha256] = path
        if len(found) > 1:
            listed = "; ".join(f"{sha[:16]} {path}" for sha, path in sorted(found.items())[:5])
            raise ValueError(f"{wanted!r}: {len(found)} files are meant by it, expected one: {listed}")
        if found:
            return next(iter(found))
    or_models = f", or a model: {', '.join(models)}" if models else ""
    raise ValueError(
        f"{wanted!r}: no track or clip of this name in the workspace, the cache or a remote; give a SHA-256, the id of "
        f"a track or clip (at least {LEAST_DIGITS} digits), a path or its end{or_models}"
    )


def facts_of(runs: Runs, sha256s: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """What the tables say of each file and its copies; asked until every file is known."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for of_one in _tables(runs, "ingest", TABLES):
        missing = set(sha256s) - found.keys()
        for row in (row for table in of_one if missing for row in rows_of(table, FACTS, missing)):
            fact = {name: str(row.get(name) or "") for name in FACTS}
            if fact not in found[fact["sha256"]]:
                found[fact["sha256"]].append(fact)
    return found


def near_duplicates(runs: Runs, sha256s: Collection[str]) -> dict[str, str]:
    """Files that any curation found to be the same recording as one of these: SHA-256 → path."""
    asked = set(sha256s)
    found: dict[str, str] = {}
    for of_one in _tables(runs, "curate", CURATED):
        rows = [row for table in of_one for row in rows_of(table, ("sha256", "path", "duplicate_group"))]
        groups = {row.get("duplicate_group") for row in rows if row["sha256"] in asked} - {"", None}
        for row in rows:
            if row.get("duplicate_group") in groups and row["sha256"] not in asked:
                found[str(row["sha256"])] = str(row["path"])
    return found
