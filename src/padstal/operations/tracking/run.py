"""One run's record in Weights & Biases: config, curves, tables and the artefacts it read and wrote.

The record never decides over the work: whatever fails here (import, network, disk, server) becomes one line of warning,
and training goes on. Offline is the default and needs no account; `padstal sync` sends an offline run later.

Artefacts stay where DVC keeps them; a W&B artifact holds their content address, which is that of `dvc.lock`. What a run
read is only noted here (config and `padstal.json`): to join it in W&B's graph takes answers of a server, offline there
is none, and online the work would wait for it. `padstal sync` joins the runs.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from padstal.core.dvc_objects import content_of
from padstal.core.secrets import without_secrets
from padstal.operations.tracking.artefact import about, aliases_of, place_of, version
from padstal.operations.tracking.credentials import wandb_credentials
from padstal.operations.tracking.group import revision, run_group
from padstal.operations.tracking.note import Note
from padstal.operations.tracking.server import brief

if TYPE_CHECKING:
    import pandas as pd

STEP = "step"
"""The axis of all curves: optimiser steps since the beginning of training, over all attempts."""
CONNECT_SECONDS = 10.0
"""An online run that has not started by then is recorded offline; no answer is waited for longer."""
FINISH_SECONDS = 30.0
"""What an online run has not sent by then stays on disk for `padstal sync`."""
QUIET: dict[str, Any] = {
    "console": "off",
    "silent": True,
    "save_code": False,
    "disable_git": True,
    "x_disable_meta": True,
}
"""Settings of all runs. W&B would record git's remote, which may hold a password, and all variables SLURM_*, of which
one is a token; the commit and the machine are in the config."""


class Record:
    """What a stage writes to. Each method warns once when it fails and never raises."""

    def __init__(
        self, label: str, run: Any | None = None, root: Path = Path(), note: Note | None = None, online: bool = False
    ):
        self._label = label
        self._run = run
        self._root = root
        self._online = online
        self._unanswered = False
        self._note = note or Note("", label, "")
        self._step = 0
        self._warned: set[str] = set()

    @property
    def active(self) -> bool:
        """Whether anything is recorded."""
        return self._run is not None

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Quantities at a training step; steps may come in any order."""
        self._step = step
        self._do("log", lambda run: run.log({STEP: step, **values}))

    def table(self, name: str, dataframe: "pd.DataFrame") -> None:
        """A table under `name`."""

        def send(run: Any) -> None:
            import wandb

            run.log({name: wandb.Table(dataframe=dataframe.reset_index(drop=True)), STEP: self._step})

        self._ask("table", send)

    def input_artifact(self, name: str, path: Path) -> None:
        """Say that this run read `path`."""
        self._do("input artifact", lambda run: self._artefact(run, "inputs", name, path))

    def output_artifact(self, name: str, path: Path) -> None:
        """Say that this run wrote `path`."""
        self._do("output artifact", lambda run: self._artefact(run, "outputs", name, path))
        wrote = self._note.outputs.get(name)
        if wrote is not None:
            self._ask("output artifact", lambda run: run.log_artifact(version(wrote), aliases=aliases_of(wrote)))

    def note(self) -> None:
        """Say on disk what this run is; called by `track`."""
        self._do("note", lambda run: self._write(run, self._note))

    def close(self, exit_code: int) -> None:
        """End the run; called by `track`."""
        self._do("finish", lambda run: run.finish(exit_code=exit_code))
        self._do("note", lambda run: self._write(run, replace(self._note, process=0)))

    def _artefact(self, run: Any, role: str, name: str, path: Path) -> None:
        artefact = replace(content_of(Path(path)), path=place_of(path, self._root))
        run.config.update({role: {**run.config.get(role, {}), name: about(artefact)}}, allow_val_change=True)
        self._write(run, self._note.with_artefact(role, name, artefact))

    def _write(self, run: Any, note: Note) -> None:
        self._note = note
        note.write(Path(run.settings.sync_dir))

    def _ask(self, what: str, action: Callable[[Any], Any]) -> None:
        """What waits for a server's answer, when online: where one did not come, no second is waited for."""
        if not self._unanswered:
            self._unanswered = not self._do(what, action) and self._online

    def _do(self, what: str, action: Callable[[Any], Any]) -> bool:
        """Whether it worked."""
        if self._run is None:
            return True
        try:
            action(self._run)
        except Exception as error:
            if what not in self._warned:
                self._warned.add(what)
                _warn(self._label, f"{what} failed ({brief(error)}); the work goes on")
            return False
        return True


@contextmanager
def track(
    stage_label: str,
    config: Mapping[str, Any],
    *,
    mode: str,
    project: str,
    entity: str | None = None,
    folder: Path = Path("wandb"),
) -> Iterator[Record]:
    """A run's record for the time of a block, in the group of its run of the pipeline (`group.py`).

    Args:
        stage_label: The run's name and type of work, e.g. "train_vae@tal".
        config: What the run was started with; keys that name a secret are dropped.
        mode: "offline", "online" (needs `WANDB_API_KEY`; falls back to offline) or "disabled" (does not import wandb).
        project: W&B project.
        entity: W&B team or user; None is the key's own.
        folder: Where W&B writes; git-ignored `wandb/` at the repository's root.

    Errors of the block are raised after the run was marked as failed; errors of the record are warnings.
    """
    record = _open(stage_label, config, mode, _above(folder), project=project, entity=entity)
    try:
        yield record
    except BaseException:
        record.close(exit_code=1)
        raise
    record.close(exit_code=0)


def _open(label: str, config: Mapping[str, Any], mode: str, above: Path, **place: Any) -> Record:
    if mode == "disabled":
        return Record(label)
    if mode == "online" and wandb_credentials() is None:
        _warn(label, "tracking.mode is online but there is no WANDB_API_KEY; recording offline")
        mode = "offline"
    for attempt in ("online", "offline") if mode == "online" else ("offline",):
        try:
            run = _start(label, config, above, mode=attempt, **place)
            note = Note(run.id, label, place["project"], place["entity"], run.group or "", process=os.getpid())
        except Exception as error:
            then = "recording offline" if attempt == "online" else "this run is not recorded"
            _warn(label, f"{attempt} start failed ({brief(error)}); {then}")
        else:
            record = Record(label, run, above, note, online=attempt == "online")
            record.note()
            return record
    return Record(label)


def _above(folder: Path) -> Path:
    """The folder in which W&B makes its own `wandb/`; the repository's root."""
    folder = Path(folder).absolute()
    return folder.parent if folder.name == "wandb" else folder


def prepare_wandb(folder: Path) -> None:
    """Before wandb is imported: its files under `folder`, no reports of its own errors (20 s without a network)."""
    os.environ.setdefault("WANDB_DATA_DIR", str(folder))
    os.environ.setdefault("WANDB_CACHE_DIR", str(folder / "cache"))
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    os.environ.setdefault("WANDB_SILENT", "true")
    os.environ.setdefault("WANDB_HTTP_TIMEOUT", str(round(CONNECT_SECONDS)))


def _start(label: str, config: Mapping[str, Any], above: Path, *, mode: str, **place: Any) -> Any:
    above.mkdir(parents=True, exist_ok=True)
    prepare_wandb(above / "wandb")
    import wandb

    run = wandb.init(
        mode="online" if mode == "online" else "offline",
        dir=str(above),
        name=label,
        job_type=label.partition("@")[0],
        group=run_group(above),
        **place,
        config=without_secrets({**config, "revision": revision(above), "machine": _machine()}),
        settings=wandb.Settings(
            **QUIET,
            init_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            finish_timeout=FINISH_SECONDS,
            x_graphql_timeout_seconds=CONNECT_SECONDS,
        ),
    )
    run.define_metric(STEP)
    run.define_metric("*", step_metric=STEP)
    return run


def _machine() -> dict[str, Any]:
    """What runs the work, without asking who it is."""
    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else "none"
    return {"system": f"{platform.system()} {platform.machine()}", "cores": os.cpu_count(), "accelerator": gpu}


def _warn(label: str, message: str) -> None:
    print(f"{label}: tracking: {message}", file=sys.stderr, flush=True)
