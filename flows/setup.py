"""Everything that a Prefect server needs to know of padstal: pools, queues, limits, automations, deployments.

May be run again at any time: what is there is brought to what is written here and in prefect.yaml.

Usage:
    PREFECT_API_URL=http://127.0.0.1:4200/api python flows/setup.py
    python flows/setup.py --gpu-runs 4           a pool of four GPUs, with a worker for each
    python flows/setup.py --only ingest          one deployment alone
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flows import local_prefect

# isort: split
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import WorkQueueFilter
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound

QUEUES = {"asked": 1, "scheduled": 2, "spare": 3}
"""Queue → priority: what a person waits for, what a schedule asks for, what can wait. The same in each pool."""
ZOMBIE_SECONDS = 150
"""Silence after which a run counts as dead; runs send a heartbeat every 30 s (prefect.yaml), and a host may be busy."""
PENDING_SECONDS = 900
"""Time after which a run that a worker took and never started counts as dead."""
ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", "Suspended", "Paused")}
HEARTBEAT = "prefect.flow-run.heartbeat"


@dataclass(frozen=True)
class Pool:
    """A work pool whose workers start each run as a process.

    Attributes:
        name: "cpu" or "gpu".
        runs: How many run at once, over all its workers.
        description: For people.
    """

    name: str
    runs: int
    description: str


def automations(zombie_seconds: float = ZOMBIE_SECONDS) -> list[AutomationCore]:
    """What marks a run as Crashed that died with its worker, so that it no longer blocks its pool."""
    return [
        _silence(
            "padstal: a run without a heartbeat has crashed",
            after={HEARTBEAT},
            expect={HEARTBEAT, *ENDS},
            seconds=zombie_seconds,
            message=f"no heartbeat for {zombie_seconds:.0f} s: run and worker were killed, or their host is gone",
        ),
        _silence(
            "padstal: a run that never started has crashed",
            after={"prefect.flow-run.Pending"},
            expect={HEARTBEAT, "prefect.flow-run.Running", "prefect.flow-run.Scheduled", *ENDS},
            seconds=max(PENDING_SECONDS, zombie_seconds),
            message="a worker took the run and did not start it",
        ),
    ]


def _silence(name: str, after: set[str], expect: set[str], seconds: float, message: str) -> AutomationCore:
    return AutomationCore(
        name=name,
        description="Made by flows/setup.py",
        trigger=EventTrigger(
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            after=after,
            expect=expect,
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=seconds),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, name="Crashed", message=message, force=False)],
    )


async def make_pool(client: PrefectClient, pool: Pool) -> None:
    """Create or update a pool and its queues."""
    try:
        await client.read_work_pool(pool.name)
        await client.update_work_pool(
            pool.name, WorkPoolUpdate(description=pool.description, concurrency_limit=pool.runs)
        )
    except ObjectNotFound:
        await client.create_work_pool(
            WorkPoolCreate(
                name=pool.name,
                type="process",
                description=pool.description,
                concurrency_limit=pool.runs,
                base_job_template=_process_template(),
            )
        )
    there = {queue.name: queue for queue in await client.read_work_queues(pool.name, WorkQueueFilter(), 100, 0)}
    for name, priority in QUEUES.items():
        if name in there:
            await client.update_work_queue(there[name].id, priority=priority)
        else:
            await client.create_work_queue(name=name, work_pool_name=pool.name, priority=priority)


def _process_template() -> dict[str, object]:
    from prefect.workers.process import ProcessWorker

    return ProcessWorker.get_default_base_job_template()


async def make_automation(client: PrefectClient, automation: AutomationCore) -> None:
    """Create or update an automation, told by its name."""
    there = await client.read_automations_by_name(automation.name)
    if there:
        await client.update_automation(there[0].id, automation)
    else:
        await client.create_automation(automation)


def deployments(root: Path) -> list[str]:
    """Names of the deployments of prefect.yaml."""
    return [
        entry["name"] for entry in yaml.safe_load((root / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    ]


def deploy(root: Path, names: Sequence[str]) -> None:
    """Tell the server of deployments; Prefect's own program reads prefect.yaml.

    Raises:
        RuntimeError: It failed; the message is its own.
    """
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    environment.pop("PADSTAL_CHECKOUT", None)  # each worker puts in its own
    chosen = [word for name in names for word in ("--name", name)]
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", *chosen]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode != 0 or "Error" in done.stderr:
        raise RuntimeError(f"prefect deploy failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


async def set_up(root: Path, pools: Sequence[Pool], names: Sequence[str], zombie_seconds: float) -> None:
    """Pools, queues and automations, then deployments.

    Raises:
        RuntimeError: A deployment is wrong.
    """
    async with get_client() as client:
        for pool in pools:
            await make_pool(client, pool)
            print(f"work pool {pool.name}: {pool.runs} at once; queues {', '.join(QUEUES)}")
        for automation in automations(zombie_seconds):
            await make_automation(client, automation)
            print(f"automation {automation.name}")
    deploy(root, names)
    print(f"deployments: {', '.join(names)}")


def main() -> int:
    import asyncio

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu-runs", type=int, default=2, help="runs at once in the pool cpu (2)")
    parser.add_argument("--gpu-runs", type=int, default=1, help="runs at once in the pool gpu: as many as GPUs (1)")
    parser.add_argument(
        "--zombie-seconds", type=float, default=ZOMBIE_SECONDS, help="silence before a run counts as dead"
    )
    parser.add_argument("--only", action="append", metavar="NAME", help="this deployment; may be repeated")
    given = parser.parse_args()
    root = local_prefect.ROOT
    known = deployments(root)
    unknown = set(given.only or ()) - set(known)
    if unknown or given.cpu_runs < 1 or given.gpu_runs < 1:
        parser.error(f"--only takes {', '.join(known)}; --cpu-runs and --gpu-runs at least 1")
    if not os.environ.get("PREFECT_API_URL"):
        parser.error(
            "PREFECT_API_URL is not set: the address of a server, as http://127.0.0.1:4200/api (`make server`)"
        )
    pools = [
        Pool("cpu", given.cpu_runs, "Audio, text, tables; workers that need no GPU"),
        Pool("gpu", given.gpu_runs, "Models; one worker a GPU, and no more runs than GPUs"),
    ]
    try:
        asyncio.run(set_up(root, pools, given.only or known, given.zombie_seconds))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
