"""`padstal scan`: what the sources hold now, in a listing that git and DVC watch."""

from collections import Counter
from pathlib import Path

from tqdm import tqdm

from padstal.commands.profile import create_missing
from padstal.commands.project import params_of
from padstal.core.data.atomic import read_json, write_json
from padstal.ingest.listing import scan
from padstal.ingest.s3.errors import StoreError


def run(root: Path, scale: str | None) -> int:
    """Write `data/<scale>/sources.json` and say what changed since the last scan.

    Raises:
        ParamsError: The section `ingest` is wrong.
        FileNotFoundError: A folder source is not there.
        ValueError: A bucket cannot be listed.
    """
    paths, tree = params_of(root, scale)
    before = read_json(paths.sources) if paths.sources.exists() else {"sources": []}
    try:
        now = scan(
            tree.scales[paths.scale].ingest.sources,
            root=root,
            progress=lambda files: tqdm(files, unit="file", desc="scan", leave=False),
        )
    except StoreError as error:
        raise ValueError(str(error)) from error
    write_json(paths.sources, now)
    create_missing(paths)
    old, new = _files(before), _files(now)
    counts = Counter("added" if name not in old else "changed" for name in new if new[name] != old.get(name))
    counts["removed"] = sum(name not in new for name in old)
    print(
        f"{paths.sources.relative_to(root)}: {len(now['sources'])} sources, {len(new)} files; since the last scan "
        f"{counts['added']} added, {counts['changed']} changed, {counts['removed']} removed"
    )
    return 0


def _files(listing: dict) -> dict[tuple[str, str], str | None]:  # type: ignore[type-arg]
    return {
        (source.get("path") or source.get("uri") or source["kind"], file["path"]): file.get("sha256")
        or file.get("etag")
        for source in listing["sources"]
        for file in source.get("files", [])
    }
