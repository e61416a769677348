"""What padstal notes beside W&B's own file of a run, so that `padstal sync` can send it once and join it to others."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from padstal.core.data.atomic import write_json
from padstal.core.dvc_lock import LockedPath

FILE = "padstal.json"


@dataclass(frozen=True)
class Note:
    """One run.

    Attributes:
        run: W&B's id of it.
        label: Its stage, as in `dvc.lock` ("train_vae@tal").
        entity: None is the key's own.
        process: Id of the process that writes it on this machine; 0 when it is done.
        inputs: Name → what the run read.
        outputs: Name → what the run wrote.
        sent: Where W&B has it ("entity/project/run"); "" until then.
        joined: Whether W&B knows what it read and wrote.
    """

    run: str
    label: str
    project: str
    entity: str | None = None
    group: str = ""
    process: int = 0
    inputs: Mapping[str, LockedPath] = field(default_factory=dict)
    outputs: Mapping[str, LockedPath] = field(default_factory=dict)
    sent: str = ""
    joined: bool = False

    @property
    def running(self) -> bool:
        """Whether the process that writes it is alive."""
        import psutil

        return bool(self.process) and psutil.pid_exists(self.process)

    def write(self, folder: Path) -> None:
        """Into the run's folder, in one piece."""
        write_json(folder / FILE, asdict(self))

    def with_artefact(self, role: str, name: str, artefact: LockedPath) -> "Note":
        """`role` is "inputs" or "outputs"."""
        changed: dict[str, Any] = {role: {**getattr(self, role), name: artefact}}
        return replace(self, **changed)


def read_note(folder: Path) -> Note | None:
    """The note in a run's folder; None where there is none (a run of another program), or none that can be read."""
    try:
        return TypeAdapter(Note).validate_json((folder / FILE).read_bytes())
    except (OSError, ValueError):
        return None
