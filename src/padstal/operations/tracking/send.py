"""Sending to W&B: stages of `dvc.lock` as runs of their own, offline runs through `wandb sync`, then their lineage."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import read_json
from padstal.core.dvc_objects import content_of
from padstal.core.secrets import redact, without_secrets
from padstal.operations.tracking.artefact import about, aliases_of, version
from padstal.operations.tracking.note import Note
from padstal.operations.tracking.run import QUIET, prepare_wandb
from padstal.operations.tracking.server import Server
from padstal.operations.tracking.stage_artefacts import StageArtefacts
from padstal.operations.tracking.sync import Recorded

SECONDS = 3600
"""That sending all runs may take."""


def record_stage(stage: StageArtefacts, root: Path, server: Server, group: str) -> Recorded:
    """A run of `stage` from what `dvc.lock` says, made offline; its id is the entry's digest, so it is made once."""
    prepare_wandb(root / "wandb")
    import wandb

    inputs, outputs = ({one.path: one for one in group} for group in (stage.inputs, stage.outputs))
    config = {
        "from": "dvc.lock",
        "command": stage.command,
        **stage.params,
        "inputs": {name: about(one) for name, one in inputs.items()},
        "outputs": {name: about(one) for name, one in outputs.items()},
        "beside": dict(stage.beside),
    }
    run = wandb.init(
        mode="offline",
        id=stage.key,
        project=server.project,
        entity=server.entity,
        dir=str(root),
        name=stage.name,
        job_type=stage.name.partition("@")[0],
        group=group,
        config=without_secrets(config),
        settings=wandb.Settings(**QUIET, x_disable_stats=True),
    )
    folder = Path(run.settings.sync_dir)
    note = Note(stage.key, stage.name, server.project, server.entity, group, os.getpid(), inputs, outputs)
    note.write(folder)
    run.summary.update(_figures(stage, root))
    for one in stage.outputs:
        run.log_artifact(version(one), aliases=aliases_of(one))
    run.finish()
    note = replace(note, process=0)
    note.write(folder)
    return Recorded(folder, note, sent=False)


def send(waiting: Sequence[Recorded]) -> list[Recorded]:
    """Send runs; those that W&B has now, by the mark that its client leaves. What was not sent can be sent again."""
    if not waiting:
        return []
    say(f"sending {len(waiting)} runs")
    command = [sys.executable, "-m", "wandb", "sync", *(str(run.log) for run in waiting)]
    environment = {**os.environ, "WANDB_MODE": "online", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "false"}
    try:
        done = subprocess.run(
            command,
            cwd=waiting[0].folder.parent.parent,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
        said = done.stdout
    except subprocess.TimeoutExpired as late:
        said = f"{_text(late.stdout)}\nnot done after {SECONDS} s"
    sent = [run for run in waiting if run.log.with_suffix(".wandb.synced").exists()]
    if len(sent) < len(waiting):
        for line in redact(said).strip().splitlines()[-8:]:
            say(f"wandb sync: {line}")
    return sent


def say(message: str) -> None:
    """A line for a person."""
    print(message, file=sys.stderr, flush=True)


def mark_sent(run: Recorded, entity: str, joined: bool) -> None:
    """Note on disk that W&B has a run, and whether it knows its lineage."""
    if run.note.label:
        address = f"{entity}/{run.note.project}/{run.note.run}"
        replace(run.note, sent=address, joined=joined or run.note.joined).write(run.folder)


def _figures(stage: StageArtefacts, root: Path) -> dict[str, float]:
    """The numbers of the stage's metrics file, if it is the one that the lock names."""
    for path, md5 in stage.beside.items():
        file = root / path
        if "/metrics/" in path and path.endswith(f"/{_metrics_name(stage)}") and file.is_file():
            return _numbers(read_json(file)) if content_of(file).md5 == md5 else {}
    return {}


def _metrics_name(stage: StageArtefacts) -> str:
    return f"{stage.name.replace('@', '_')}.json"


def _numbers(node: Any, prefix: str = "") -> dict[str, float]:
    """Numbers in nested mappings, by dotted path; lists (rows, intervals) are left to the report."""
    found: dict[str, float] = {}
    for key, value in node.items() if isinstance(node, Mapping) else ():
        if isinstance(value, Mapping):
            found.update(_numbers(value, f"{prefix}{key}."))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{prefix}{key}"] = value
    return found


def _text(output: bytes | str | None) -> str:
    return output.decode("utf-8", "replace") if isinstance(output, bytes) else output or ""
