"""`padstal profile`: the current data become the reference that drift is measured against."""

import shutil
from pathlib import Path

from padstal.commands.project import paths_of
from padstal.core.data.atomic import atomic_file, read_json, write_json
from padstal.core.paths import Paths
from padstal.rights.tombstones import add_tombstones

ITEMS = ("ingest", "curate")
NO_REFERENCE = {"features": {}, "tracks": 0}
"""A reference that nobody has set yet."""


def run(root: Path, scale: str | None) -> int:
    """Copy the profiles of data that passed the gate to `data/<scale>/reference/`.

    Raises:
        FileNotFoundError: A data set has no profile, or has not passed its gate.
    """
    paths = paths_of(root, scale)
    for item in ITEMS:
        for needed, stage in (
            (paths.validate(item) / "profile.json", "validate"),
            (paths.gate(item) / "passed.json", "gate"),
        ):
            if not needed.is_file():
                raise FileNotFoundError(
                    f"{needed.relative_to(root)}: not found; only data that passed become a reference: "
                    f"dvc repro {stage}@{item}"
                )
    for item in ITEMS:
        profile = paths.validate(item) / "profile.json"
        with atomic_file(paths.reference(item)) as temporary:
            shutil.copyfile(profile, temporary)
        content = read_json(profile)
        print(
            f"{paths.reference(item).relative_to(root)}: {len(content['features'])} features of {content['tracks']} "
            "tracks; commit it, so that everyone measures drift against the same data"
        )
    return 0


def create_missing(paths: Paths) -> None:
    """Write empty references and no tombstones where there are none, since DVC asks that a dependency exists."""
    add_tombstones(paths.tombstones, [])
    for item in ITEMS:
        if not paths.reference(item).exists():
            write_json(paths.reference(item), NO_REFERENCE)
