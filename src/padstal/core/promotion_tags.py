"""Promotions as this clone knows them: annotated git tags as GTO writes them, and what each stands for at its commit.

    MODEL@v1.2.0            a version
    MODEL#champion#7        the seventh assignment of a stage, to its commit's version; `champion!` takes it away

The model's path is what `artifacts:` of the `dvc.yaml` at that commit says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from padstal.core.dvc_lock import artifact_paths
from padstal.core.git import blobs

RECORD = "padstal: "
"""Begins the line of a tag's message that holds its record as JSON."""


@dataclass(frozen=True)
class PromotionTag:
    """One tag.

    Attributes:
        tag, commit: Its name, and where it points.
        model: The name that it promotes.
        version: "v1.2.0"; "" of an assignment.
        stage, number: Of an assignment; "" and 0 of a version.
        given: Whether the commit's version has the stage by it.
        current: Whether it is the stage's newest, which counts, and gives it.
        path: Of the model there; "" where that is not said.
        who, when, message: Its tagger, date (ISO 8601, UTC) and text.
    """

    tag: str
    commit: str
    model: str
    version: str
    stage: str
    number: int
    given: bool
    current: bool
    path: str
    who: str
    when: str
    message: str

    @property
    def record(self) -> Mapping[str, Any]:
        """What `padstal promote` wrote into the message; empty of a tag by other hands."""
        lines = [line.removeprefix(RECORD) for line in self.message.splitlines() if line.startswith(RECORD)]
        try:
            record = json.loads(lines[-1]) if lines else {}
        except (ValueError, RecursionError):
            record = {}
        return record if isinstance(record, dict) else {}


def promotion_tags(root: Path) -> list[PromotionTag]:
    """All promotions that the git repository at `root` has tags of, by date."""
    from gto.constants import Action
    from gto.tag import find, parse_name
    from scmrepo.git import Git

    with Git(str(root)) as repository:
        tags = find(frozenset({Action.REGISTER, Action.ASSIGN, Action.UNASSIGN}), scm=repository)
    told = [parse_name(tag.name) for tag in tags]
    newest: dict[tuple[str, str], int] = {}
    for one in told:
        key = one["name"], one.get("stage", "")
        newest[key] = max(newest.get(key, 0), one.get("counter", 0))
    texts = [blobs(root, [f"{tag.target}:./{name}" for tag in tags]) for name in ("dvc.yaml", "params.yaml")]
    found = []
    for tag, one, *files in zip(tags, told, *texts, strict=True):
        model, stage, number = one["name"], one.get("stage", ""), one.get("counter", 0)
        given = one["action"] is Action.ASSIGN
        current = given and number == newest[model, stage]
        path, when = artifact_paths(*files).get(model, ""), tag.tag_datetime.astimezone(UTC)
        about = tag.tagger_name, when.isoformat(timespec="seconds"), tag.message
        version = one.get("version", "")
        found.append(PromotionTag(tag.name, tag.target, model, version, stage, number, given, current, path, *about))
    return found
