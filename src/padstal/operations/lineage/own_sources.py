"""The user's own files: removed only when asked for, and only where the bytes are those of the track."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from padstal.core.data.content import sha256_file
from padstal.ingest.config import S3Source
from padstal.ingest.listing import store_of
from padstal.ingest.s3.mirror_index import Index
from padstal.ingest.s3.versions import erase


def source_files(root: Path, sources: Collection[dict[str, Any]], sha256s: Collection[str]) -> list[tuple[str, str]]:
    """Files of folder sources and keys of bucket sources with these contents: ("file", path) or ("s3://…", key).

    A bucket's are told by what the mirror recorded when they came; a folder's by reading it.
    """
    found = []
    for source in sources:
        if source["kind"] == "folder":
            folder = root / source["path"]
            files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
            found += [("file", str(path)) for path in files if sha256_file(path) in sha256s]
        if source["kind"] == "s3":
            entries = Index(root / "data" / "mirror" / source["name"]).entries
            found += [(source["uri"], key) for key, entry in entries.items() if entry.sha256 in sha256s]
    return found


def remove_sources(sources: Collection[dict[str, Any]], found: Collection[tuple[str, str]]) -> None:
    """Remove them; in a bucket with all versions.

    Raises:
        StoreError: A bucket refuses.
    """
    for kind, path in found:
        if kind == "file":
            Path(path).unlink(missing_ok=True)
    for source in sources:
        keys = [key for uri, key in found if source["kind"] == "s3" and uri == source["uri"]]
        if keys:
            store = store_of(S3Source.model_validate(source))
            erase(store.client(), store.bucket, [store.prefix + key for key in keys])
