"""The stages as `dvc.lock` has them: what each read and wrote, by content. Lineage is made of nothing else."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from padstal.operations.tracking.artefact import KINDS, Artefact


@dataclass(frozen=True)
class LockedStage:
    """One stage, or one item of its matrix.

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
    inputs: tuple[Artefact, ...]
    outputs: tuple[Artefact, ...]
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


def read_lock(text: bytes | str) -> tuple[LockedStage, ...]:
    """The stages of a `dvc.lock`, each after those whose outputs it reads.

    A dep that is a folder above outputs stands for those outputs as the lock has them.

    Raises:
        ValueError: It is no lock of DVC's.
    """
    try:
        stages = yaml.safe_load(text)["stages"]
        found = _resolved([_stage(name, content) for name, content in stages.items()])
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"dvc.lock: expected stages with paths and MD5s ({type(error).__name__})") from None
    return tuple(_in_order(found))


def sources(stages: tuple[LockedStage, ...]) -> tuple[Artefact, ...]:
    """What stages read and none wrote: raw data and references."""
    written = {(one.path, one.md5) for stage in stages for one in stage.outputs}
    read = {(one.path, one.md5): one for stage in stages for one in stage.inputs}
    return tuple(one for key, one in sorted(read.items()) if key not in written)


def _stage(name: str, content: Mapping[str, Any]) -> LockedStage:
    deps, outs = ([_artefact(entry) for entry in content.get(key) or []] for key in ("deps", "outs"))
    params: dict[str, Any] = {}
    for section in (content.get("params") or {}).values():
        params.update(section)
    return LockedStage(
        name,
        str(content["cmd"]),
        tuple(one for one in deps if _is_data(one)),
        tuple(one for one in outs if _is_data(one)),
        {one.path: one.md5 for one in (*deps, *outs) if not _is_data(one)},
        params,
    )


def _resolved(stages: list[LockedStage]) -> list[LockedStage]:
    """Inputs that are outputs, as the outputs: a dep may be a folder above several, or a file inside one."""
    outputs = [one for stage in stages for one in stage.outputs]

    def made(dep: Artefact) -> list[Artefact]:
        exact = [one for one in outputs if one.path == dep.path]
        return [dep] if exact else [one for one in outputs if overlap(one.path, dep.path)] or [dep]

    return [
        replace(stage, inputs=tuple(dict.fromkeys(one for dep in stage.inputs for one in made(dep))))
        for stage in stages
    ]


def _artefact(entry: Mapping[str, Any]) -> Artefact:
    return Artefact(str(entry["path"]), str(entry["md5"]), int(entry.get("size", 0)), int(entry.get("nfiles", 1)))


def _is_data(one: Artefact) -> bool:
    parts = one.path.split("/")
    return parts[0] in KINDS and not (parts[0] == "reports" and parts[2:3] in (["metrics"], ["curves"]))


def _in_order(stages: list[LockedStage]) -> list[LockedStage]:
    """Each after its inputs' makers; ties as written."""
    ordered: list[LockedStage] = []
    waiting = list(stages)
    while waiting:
        blocked = {id(stage) for stage in waiting if any(_feeds(other, stage) for other in waiting if other != stage)}
        ready = [stage for stage in waiting if id(stage) not in blocked] or waiting[:1]
        ordered += ready
        waiting = [stage for stage in waiting if stage not in ready]
    return ordered


def _feeds(maker: LockedStage, reader: LockedStage) -> bool:
    return any(out.path == dep.path for out in maker.outputs for dep in reader.inputs)


def overlap(one: str, other: str) -> bool:
    """Whether a path is another or lies in it."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
