"""What `padstal sync` has to send to W&B, as far as this machine knows: asks nobody.

A run is sent from one folder and once. W&B cannot take up an offline run again: a second folder with the same run id,
sent after the first, would replace its history (wandb/wandb#2423), so it is left alone and named.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from padstal.operations.tracking.note import Note, read_note
from padstal.operations.tracking.stage_artefacts import StageArtefacts


@dataclass(frozen=True)
class Recorded:
    """A run in W&B's folder: where it lies, padstal's note of it, and whether it was sent (W&B leaves a mark)."""

    folder: Path
    note: Note
    sent: bool

    @property
    def log(self) -> Path:
        """W&B's own file of the run."""
        return self.folder / f"run-{self.note.run}.wandb"

    def is_of(self, stage: StageArtefacts) -> bool:
        """Whether it recorded that run of that stage: it wrote the same bytes."""
        wrote = {one.md5 for one in self.note.outputs.values()}
        return self.note.label == stage.name and wrote == {one.md5 for one in stage.outputs}


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        send: Runs to send.
        join: Runs that were sent but whose lineage was not.
        record: Stages of `dvc.lock` of which there is no run here.
        refused: Folder → why it is left alone.
        done: Number of runs with nothing left to do.
    """

    send: tuple[Recorded, ...]
    join: tuple[Recorded, ...]
    record: tuple[StageArtefacts, ...]
    refused: Mapping[str, str]
    done: int


def recorded_runs(folder: Path) -> list[Recorded]:
    """The runs in W&B's folder, oldest first; those of other programs have a note that only names them."""
    found = []
    for place in sorted([*folder.glob("offline-run-*"), *folder.glob("run-*")], key=_started):
        for log in sorted(place.glob("run-*.wandb")):
            note = read_note(place) or Note(log.stem.removeprefix("run-"), "", "")
            found.append(Recorded(place, note, bool(note.sent) or log.with_suffix(".wandb.synced").exists()))
    return found


def make_plan(runs: Iterable[Recorded], stages: Iterable[StageArtefacts]) -> Plan:
    """What is to be done with the `runs` found here and the `stages` of `dvc.lock`."""
    runs = list(runs)
    refused: dict[str, str] = {}
    waiting: dict[str, list[Recorded]] = defaultdict(list)
    for run in runs:
        if not run.sent:
            waiting[run.note.run].append(run)
    sent = {run.note.run: run.folder.name for run in runs if run.sent}
    send = []
    for name, same in waiting.items():
        first = sent.get(name)
        for run in same:
            if first:
                refused[run.folder.name] = f"{first} has the same run id; sent second, it would replace its history"
            elif run.note.running:
                refused[run.folder.name] = "still being written"
            else:
                send.append(run)
            first = first or run.folder.name
    after = [run for run in runs if run.sent]
    join = tuple(run for run in after if run.note.label and not run.note.joined)
    record = tuple(stage for stage in stages if not any(run.is_of(stage) for run in runs))
    return Plan(tuple(send), join, record, refused, len(after) - len(join))


def _started(place: Path) -> str:
    """The time in the folder's name ("offline-run-20261121_010344-j8oh1ia4")."""
    return place.name.removeprefix("offline-").removeprefix("run-")
