"""What the training stages share: who trains together, which checkpoint is whose, the record, and what is written."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from padstal.core.code_version import code_version
from padstal.core.data.atomic import atomic_file, atomic_folder
from padstal.core.data.content import address, sha256_file
from padstal.core.data.track_ledger import write_ledger
from padstal.core.model_folder import WEIGHTS
from padstal.operations.tracking.run import track
from padstal.stages.harness import Stage, StageError, stage_errors
from padstal.training.config import KEPT, TrainConfig
from padstal.training.initialise import hold, initialise
from padstal.training.process_group import ProcessGroup
from padstal.training.task import Task

LIBRARIES = ("lightning", "numpy", "torch")
"""Whose arithmetic a training depends on."""


def begin(stage: Stage[Any], training: TrainConfig) -> ProcessGroup:
    """Seed everything; gives the processes that train together, if they can share the batch."""
    import torch

    runtime = stage.runtime
    group = ProcessGroup(runtime.devices, runtime.nodes, runtime.strategy)
    try:
        group.shard().divided(training.accumulate)[0].place(training.batch)
    except ValueError as error:
        at = f"runtime.devices = {runtime.devices}, runtime.nodes = {runtime.nodes}, accumulate = {training.accumulate}"
        raise StageError(f"{at}: {error}") from None
    stage.seed(training.seed)
    # torch fills fresh memory with NaN in deterministic mode, which costs time and finds nothing here
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return group


def train_and_write(
    stage: Stage[Any],
    params: Any,
    task: Task,
    group: ProcessGroup,
    *,
    code: Sequence[str],
    inputs: Iterable[Path],
    artifact: tuple[str, Path],
    folder: Path,
    save: Callable[[Path, Any], None],
    tracks: Sequence[str],
    measure: Callable[[Any], dict[str, Any]],
) -> None:
    """Train, or go on from where the same training was killed; then write model, ledger, curves and metrics.

    Args:
        stage: Of the training.
        params: Section of what is trained; `params.training` is its `TrainConfig`.
        task: What is trained.
        group: Of `begin`.
        code: Modules of the task: a checkpoint is taken up only by a run of the same code.
        inputs: Files that it is trained on: … with the same params on the same inputs.
        artifact: Name and folder of what it is trained on, for the record.
        folder: Of the model.
        save: Writes the averaged network into a folder.
        tracks: SHA-256 of the source file of each training clip.
        measure: Further metrics of the averaged network, once the model is written.
    """
    from padstal.training.loop import train  # imports lightning: seconds

    training: TrainConfig = params.training
    paths, about, files = stage.paths, params.model_dump(), list(inputs)
    with stage_errors(ValueError):
        if training.init_from:
            files.append(_initialise(stage, task, Path(training.init_from)))
        hold(task.networks[task.averaged].module, training.hold)
    version = code_version("padstal.training.loop", *code, libraries=LIBRARIES)
    key = address(repr((about, [sha256_file(file) for file in files], version)).encode())
    state = paths.state(stage.name, stage.item)
    with track(
        stage.label,
        about,
        mode=stage.tracking.mode if stage.leads else "disabled",
        project=stage.tracking.project,
        entity=stage.tracking.entity,
        folder=paths.root / "wandb",
    ) as record:
        record.input_artifact(*artifact)
        trained = train(
            task,
            training,
            device=stage.device(),
            state_folder=state / key,
            group=group,
            compiled=stage.runtime.compile,
            progress=lambda steps: stage.progress(steps, unit="step"),
            log=record.log,
        )
        if not stage.leads:
            return
        curves = pd.DataFrame(trained.curves)
        with atomic_folder(folder) as temporary:
            save(temporary, trained.average)
            if (state / key / KEPT).is_dir():
                shutil.copytree(state / key / KEPT, temporary / KEPT)
            write_ledger(paths.ledger(stage.name, stage.item), temporary, tracks)
        with atomic_file(paths.curves(stage.name, stage.item)) as file:
            curves.to_csv(file, index=False, float_format="%.6g")
        record.output_artifact(stage.item, folder)
    parameters = sum(weight.numel() for weight in trained.average.parameters())
    last = curves.ffill().iloc[-1].drop("step").to_dict()
    common = {"steps": training.steps, "clips": len(tracks), "parameters": parameters}
    stage.write_metrics({**common, **last, **measure(trained.average)})
    shutil.rmtree(state, ignore_errors=True)
    stage.say(f"{parameters / 1e6:.1f} M parameters, loss {last['loss']:.3f} after {training.steps} steps")


def _initialise(stage: Stage[Any], task: Task, folder: Path) -> Path:
    module = task.networks[task.averaged].module
    found = initialise(module, folder)
    stage.say(f"{found.taken} of {len(module.state_dict())} tensors are those of {folder}")
    if found.wider:
        stage.say(f"with further inputs, which begin at zero: {'; '.join(found.wider)}")
    if found.other_shapes:
        stage.say(f"left as they were, of other shapes: {'; '.join(found.other_shapes)}")
    return folder / WEIGHTS
