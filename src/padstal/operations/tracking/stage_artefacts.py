"""The stages of `dvc.lock` as W&B knows them: which artefacts each read and wrote. Lineage is made of nothing else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from padstal.core.dvc_lock import LOCK, LockedPath, LockedStage, overlap, stages_of
from padstal.operations.tracking.artefact import KINDS


@dataclass(frozen=True)
class StageArtefacts:
    """The artefacts of one stage, or of one item of its matrix.

    Attributes:
        name: As in `dvc.lock` ("train_vae@tal").
        inputs: Data, models and reports that it read.
        outputs: And wrote.
        beside: Path → MD5 of the code that it ran and of the figures (metrics, curves) that it read or wrote; git has
            them, so they are no artefacts.
        params: What it ran with.
    """

    name: str
    command: str
    inputs: tuple[LockedPath, ...]
    outputs: tuple[LockedPath, ...]
    beside: Mapping[str, str]
    params: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Digest of all this: the same run of a stage has the same key everywhere."""
        content = (
            self.name,
            self.command,
            [(one.path, one.md5) for one in (*self.inputs, *self.outputs)],
            sorted(self.beside.items()),
            self.params,
        )
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()[:20]


def stage_artefacts(root: Path) -> tuple[StageArtefacts, ...]:
    """The stages of the `dvc.lock` at `root`, in its order; none where there is no lock.

    A dep that is a folder above outputs stands for those outputs as the lock has them.

    Raises:
        LockError: DVC cannot read it.
    """
    stages = stages_of(root) if (root / LOCK).is_file() else {}
    return tuple(_resolved([_stage(stage) for stage in stages.values()]))


def sources(stages: tuple[StageArtefacts, ...]) -> tuple[LockedPath, ...]:
    """What stages read and none wrote: raw data and references."""
    written = {one for stage in stages for one in stage.outputs}
    return tuple(sorted({one for stage in stages for one in stage.inputs} - written))


def _stage(stage: LockedStage) -> StageArtefacts:
    return StageArtefacts(
        stage.name,
        stage.command,
        tuple(one for one in stage.deps if _is_data(one)),
        tuple(one for one in stage.outs if _is_data(one)),
        {one.path: one.md5 for one in (*stage.deps, *stage.outs) if not _is_data(one)},
        {key: value for section in stage.params.values() for key, value in section.items()},
    )


def _resolved(stages: list[StageArtefacts]) -> list[StageArtefacts]:
    """Inputs that are outputs, as the outputs: a dep may be a folder above several, or a file inside one."""
    outputs = [one for stage in stages for one in stage.outputs]

    def made(dep: LockedPath) -> list[LockedPath]:
        exact = [one for one in outputs if one.path == dep.path]
        return [dep] if exact else [one for one in outputs if overlap(one.path, dep.path)] or [dep]

    return [
        replace(stage, inputs=tuple(dict.fromkeys(one for dep in stage.inputs for one in made(dep))))
        for stage in stages
    ]


def _is_data(one: LockedPath) -> bool:
    parts = one.path.split("/")
    return parts[0] in KINDS and not (parts[0] == "reports" and parts[2:3] in (["metrics"], ["curves"]))
