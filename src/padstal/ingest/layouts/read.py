"""The metadata of a tree of audio, by its layout: a captions table, or the tables of a published dataset."""

from collections.abc import Collection, Sequence
from pathlib import Path

from padstal.ingest.captions_table import Table, read_captions
from padstal.ingest.cells import visible
from padstal.ingest.layouts import audioset, fma, magnatagatune, mtg_jamendo, song_describer

CAPTIONS = "captions"
_PUBLISHED = {
    "fma": fma.read,
    "mtg_jamendo": mtg_jamendo.read,
    "magnatagatune": magnatagatune.read,
    "audioset": audioset.read,
    "song_describer": song_describer.read,
}
LAYOUTS = (CAPTIONS, *_PUBLISHED)


def read_metadata(
    root: Path,
    *,
    layout: str,
    captions: str | None,
    files: Sequence[str],
    others: Collection[str] = (),
    passed_over: Collection[str] = (),
) -> Table:
    """What is known about the files below `root`.

    Args:
        root: Of the tree.
        layout: One of `LAYOUTS`.
        captions: The captions table, relative to `root`, if the layout is "captions" and there is one.
        files: Regular files of the tree, relative, with "/".
        others: Names in the tree that are no files to be read, but that rows may name.
        passed_over: Names in the tree that were not looked at, mostly folders.

    Raises:
        FileNotFoundError: A table is not there.
        ValueError: A table cannot be read, is a link, or is not as it is published.
    """
    if layout != CAPTIONS:
        return _PUBLISHED[layout](root, files)
    if not captions:
        return Table({}, [])
    table = root / captions
    linked = [
        path for path in (table, *table.parents) if path.is_relative_to(root) and path != root and path.is_symlink()
    ]
    if linked:
        raise ValueError(f"captions table {visible(captions)}: {linked[-1]} is a link: expected a regular file")
    if not table.is_file():
        raise FileNotFoundError(f"{table}: no such captions table")
    return read_captions(table, (*files, *others), passed_over)
