"""Sources of params as folders of this machine, and whether they are as `padstal scan` found them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from padstal.core.data.atomic import read_json
from padstal.ingest.candidates import Folder
from padstal.ingest.collect import digests_of
from padstal.ingest.config import FolderSource, S3Source, Source, SynthSource
from padstal.ingest.listing import scan
from padstal.ingest.s3.mirror import Mirrored, mirror


def fetched(
    sources: Sequence[Source], folder: Callable[[str], Path], forgotten: Collection[str], say: Callable[[str], None]
) -> dict[str, Mirrored]:
    """Bring all buckets to this machine; what came of each, by the source's name.

    Args:
        sources: Of params.
        folder: A source's name to where its mirror lies.
        forgotten: SHA-256 of objects that do not stay.
        say: Tells a person what came.

    Raises:
        StoreError: As of `mirror`.
    """
    mirrors = {}
    for source in sources:
        if isinstance(source, S3Source):
            mirrors[source.name] = mirror(source, folder(source.name), forgotten=forgotten)
            say(f"{source.uri}: {mirrors[source.name]}")
    return mirrors


def folder_of(source: FolderSource | S3Source, folder: Path, mirrored: Mirrored | None = None) -> Folder:
    """What `collect` reads of a source: the folder, which of a bucket is the mirror, with what did not come."""
    return Folder(
        source.name,
        folder,
        source.captions,
        source.licence or "",
        source.layout,
        mirrored.failed if mirrored else {},
        mirrored.forgotten if mirrored else (),
        linked_folders=isinstance(source, FolderSource) and source.linked_folders,
        hidden=isinstance(source, FolderSource) and source.hidden,
    )


def changed_since_scan(
    sources: Sequence[Source], recorded: Path, *, root: Path, store: Path, mirrors: Mapping[str, Mirrored]
) -> str:
    """What to say if the sources are not as `padstal scan` recorded them; "" if they are. What they hold now counts.

    Args:
        sources: Of params.
        recorded: The listing.
        root: What relative folder paths are relative to.
        store: As of `collect`.
        mirrors: What came of buckets, by the sources' names.
    """
    if all(isinstance(source, SynthSource) for source in sources):
        return ""
    if not recorded.exists():
        return f"{recorded}: not there; run `padstal scan`, or DVC will not see a changed source"
    listed = {name: mirrored.listing for name, mirrored in mirrors.items()}
    with closing(digests_of(store)) as digests:
        try:
            now = scan(sources, root=root, sha256=digests.sha256, listed=listed)
        except OSError:  # a file cannot be read, or goes away meanwhile; `collect` says which
            now = {}
    if read_json(recorded) == now:
        return ""
    return "the sources changed since the last `padstal scan`; going on with what is there now, scan to record it"
