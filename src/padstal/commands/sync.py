"""`padstal sync`: send to W&B what was recorded offline, and the lineage from raw data to report; repeatable."""

from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from padstal.core.params import check, read_yaml
from padstal.core.runtime import TrackingParams
from padstal.operations.tracking.champions import STAGE, champions
from padstal.operations.tracking.credentials import wandb_credentials
from padstal.operations.tracking.group import run_group
from padstal.operations.tracking.send import mark_sent, record_stage, send
from padstal.operations.tracking.server import Joined, Server
from padstal.operations.tracking.stage_artefacts import StageArtefacts, sources, stage_artefacts
from padstal.operations.tracking.sync import Plan, make_plan, recorded_runs

SOURCES = "sources"
"""The run that stands for the raw data: it made what no stage wrote."""


@dataclass
class SyncResult:
    """What a sync did."""

    sent: int = 0
    not_sent: int = 0
    uses_added: int = 0
    without_version: list[str] = field(default_factory=list)
    champions: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def run(root: Path, dry_run: bool) -> int:
    """Say what there is to send, and send it.

    Returns:
        0 if W&B has everything, 1 if something is left (what, is said).

    Raises:
        ServerError: No credentials or no answer; nothing was sent.
        ValueError: params.yaml or dvc.lock cannot be read.
    """
    stages = locked_stages(root)
    plan = make_plan(recorded_runs(root / "wandb"), stages)
    if dry_run:
        print(_told(plan))
        return 0
    tracking = check(TrackingParams, read_yaml(root / "params.yaml").get("tracking"), "tracking")
    server = Server(tracking.project, tracking.entity)
    done = _send(root, server, stages, plan)
    print(_summary(done))
    return 1 if done.not_sent else 0


def locked_stages(root: Path) -> tuple[StageArtefacts, ...]:
    """The stages of the workspace's `dvc.lock`, before them one that made what none of them wrote."""
    stages = stage_artefacts(root)
    raw = sources(stages)
    return (StageArtefacts(SOURCES, "", (), raw, {}, {}), *stages) if raw else stages


def _send(root: Path, server: Server, stages: tuple[StageArtefacts, ...], plan: Plan) -> SyncResult:
    """The three steps: record what has no run, send, join."""
    done = SyncResult(refused=dict(plan.refused))
    waiting, group = list(plan.send), _group(plan, root)
    missing = [stage for stage in plan.record if any(server.version(one) is None for one in stage.outputs)]
    for stage in tqdm(missing, desc="recording stages of dvc.lock", unit="stage", disable=not missing):
        waiting.append(record_stage(stage, root, server, group))
    sent = send(waiting)
    done.sent, done.not_sent = len(sent), len(waiting) - len(sent)
    for run in sent:
        mark_sent(run, server.entity, joined=False)
    if waiting or plan.join or plan.record:
        _join(root, server, stages, done)
    for model, artefact in champions(root).items():
        named = server.name(artefact, STAGE)
        done.champions[model] = {None: "not at W&B", True: "named", False: "known"}[named]
    return done


def _join(root: Path, server: Server, stages: tuple[StageArtefacts, ...], done: SyncResult) -> None:
    """Tell W&B what each run used: the lock's stages by the lock, whoever recorded them; other runs by their notes."""
    joined: dict[str, bool] = {}
    for stage in tqdm(stages, desc="lineage", unit="stage"):
        version = server.version(stage.outputs[0]) if stage.outputs else None
        maker = server.maker(version) if version is not None else None
        if maker is not None:
            joined[maker.id] = _add(done, server.join(maker, stage.inputs))
    for run in recorded_runs(root / "wandb"):
        if not run.sent or not run.note.label or run.note.joined:
            continue
        found = server.run(run.note.run, run.note.project) if run.note.run not in joined else None
        if found is not None:
            joined[run.note.run] = _add(done, server.join(found, run.note.inputs.values()))
        mark_sent(run, server.entity, joined.get(run.note.run, False))


def _add(done: SyncResult, joined: Joined) -> bool:
    """Count it; whether W&B knows all inputs now."""
    done.uses_added += joined.added
    done.without_version += [one.path for one in joined.absent if one.path not in done.without_version]
    return not joined.absent


def _group(plan: Plan, root: Path) -> str:
    """The group of the runs that recorded stages of this lock; else that of the workspace as it is now."""
    groups = [run.note.group for run in (*plan.send, *plan.join) if run.note.group]
    return max(groups, key=groups.count) if groups else run_group(root)


def _told(plan: Plan) -> str:
    lines = [f"send    {run.folder.name}  {run.note.label}" for run in plan.send]
    lines += [f"join    {run.folder.name}  {run.note.label}" for run in plan.join]
    lines += [f"record  {stage.name}  from dvc.lock, unless W&B has it" for stage in plan.record]
    lines += [f"leave   {folder}  {why}" for folder, why in plan.refused.items()]
    missing = "" if wandb_credentials() else "; WANDB_API_KEY is not set, so a sync would stop here"
    lines.append(
        f"{len(plan.send)} runs to send, {len(plan.join)} to join, {len(plan.record)} stages to record, "
        f"{plan.done} done{missing}"
    )
    return "\n".join(lines)


def _summary(done: SyncResult) -> str:
    lines = [f"left alone: {folder}: {why}" for folder, why in done.refused.items()]
    lines += [f"not at W&B, so no lineage to it: {path}" for path in done.without_version]
    lines += [f"champion {model}: {state}" for model, state in done.champions.items()]
    if done.not_sent:
        lines.append(f"{done.not_sent} runs were not sent; `padstal sync` goes on with them")
    lines.append(f"{done.sent} runs sent, {done.uses_added} uses added")
    return "\n".join(lines)
