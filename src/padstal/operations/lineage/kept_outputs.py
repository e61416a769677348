"""`dvc.lock` read as records: what a stage read and what came of it, each a path and an MD5."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Ref:
    """A file or folder as DVC knows it: `md5` of its content, ending in ".dir" for a folder."""

    path: str
    md5: str

    @property
    def is_folder(self) -> bool:
        return self.md5.endswith(".dir")


@dataclass(frozen=True)
class Record:
    """One run of one stage.

    Attributes:
        stage: Its name, as `train_vae@tal`; "" where DVC's run-cache does not say.
        deps, outs: What it read and wrote.
    """

    stage: str
    deps: tuple[Ref, ...]
    outs: tuple[Ref, ...]


def read_lock(content: bytes) -> dict[str, Record]:
    """The stages of a `dvc.lock`; what cannot be read is left out, as DVC could not use it either."""
    stages = _mapping(_mapping(read_yaml(content)).get("stages"))
    return {str(name): record(str(name), stage) for name, stage in stages.items()}


def read_run(content: bytes) -> Record | None:
    """An entry of DVC's run-cache."""
    tree = read_yaml(content)
    return record("", tree) if isinstance(tree, Mapping) and tree.get("outs") else None


def record(name: str, stage: Any) -> Record:
    """One stage of a lock."""
    fields = stage if isinstance(stage, Mapping) else {}
    return Record(name, tuple(_refs(fields.get("deps"))), tuple(_refs(fields.get("outs"))))


def _refs(entries: Any) -> Iterator[Ref]:
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and entry.get("path") and entry.get("md5"):
            yield Ref(str(entry["path"]), str(entry["md5"]))


def _mapping(node: Any) -> Mapping[Any, Any]:
    return node if isinstance(node, Mapping) else {}


def read_yaml(content: bytes) -> Any:
    """A YAML file's content; None where it is none."""
    import yaml

    try:
        return yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
