"""What the mirror's tests look at: a quick run, the files under final names, the temporary ones."""

from pathlib import Path
from typing import Any

from tests.ingest.s3.s3_server import S3Server

from padstal.ingest.config import S3Source
from padstal.ingest.s3.mirror import Mirrored, mirror
from padstal.ingest.s3.mirror_index import STATE

QUICK = {"timeout_seconds": 1.0, "connections": 4, "attempts": 4, "max_failed_share": 0.0}


def fetch(server: S3Server, folder: Path, uri: str = "s3://music/p", **more: Any) -> Mirrored:
    """Mirror `uri` with short waits and timeouts."""
    source = {name: more.pop(name) for name in ("anonymous", "manifest") if name in more}
    return mirror(
        S3Source(kind="s3", uri=uri, endpoint_url=server.url, fetch=QUICK | more, **source), folder, quiet=True
    )


def files(folder: Path) -> dict[str, bytes]:
    """Content of all files under final names."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != STATE:
            found[name.as_posix()] = path.read_bytes()
    return found


def parts(folder: Path) -> dict[str, int]:
    """Lengths of temporary files."""
    return {path.name: path.stat().st_size for path in (folder / STATE / "parts").iterdir()}
