"""Everything that a Prefect server needs to know of padstal: pools, queues, limits, automations, deployments.

May be run again at any time: what is there is brought to what is written here and in prefect.yaml.

Usage:
    python flows/setup.py                        the server of `make server`, or that of PREFECT_API_URL
    python flows/setup.py --gpu-runs 4           a pool of four GPUs, with a worker for each
    python flows/setup.py --only ingest          one deployment alone
"""

import argparse
import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flows import local_prefect

# isort: split
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.filters import WorkQueueFilter
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker

QUEUES = {"asked": 1, "scheduled": 2}
"""Queue → priority: what a person waits for, what a schedule asks for. The same in each pool."""
POOLS = {
    "cpu": "Audio, text, tables; workers that need no GPU",
    "gpu": "Models; one worker a GPU, and no more runs than GPUs",
}
"""Work pool, whose workers start each run as a process → for people."""
ZOMBIE_SECONDS = 150
"""Silence after which a run counts as dead; runs send a heartbeat every 30 s (prefect.yaml), and a host may be busy."""
PENDING_SECONDS = 900
"""Time after which a run that a worker took and never started counts as dead."""
ENDS = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", "Suspended", "Paused")}
HEARTBEAT = "prefect.flow-run.heartbeat"


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


async def make_pool(client: PrefectClient, name: str, runs: int) -> None:
    """Create or update a pool, of which so many runs go at once over all its workers, and its queues."""
    template = ProcessWorker.get_default_base_job_template()
    pool = WorkPoolCreate(
        name=name, type="process", description=POOLS[name], concurrency_limit=runs, base_job_template=template
    )
    try:
        await client.create_work_pool(pool)
    except ObjectAlreadyExists:  # its template may be another's: Kubernetes, say
        await client.update_work_pool(name, WorkPoolUpdate(description=POOLS[name], concurrency_limit=runs))
    there = {queue.name: queue for queue in await client.read_work_queues(name, WorkQueueFilter(), 100, 0)}
    for queue, priority in QUEUES.items():
        if queue in there:
            await client.update_work_queue(there[queue].id, priority=priority)
        else:
            await client.create_work_queue(name=queue, work_pool_name=name, priority=priority)


async def make_automation(client: PrefectClient, automation: AutomationCore) -> None:
    """Create or update an automation, told by its name."""
    there = await client.read_automations_by_name(automation.name)
    if there:
        await client.update_automation(there[0].id, automation)
    else:
        await client.create_automation(automation)


async def set_up(runs: dict[str, int], zombie_seconds: float) -> None:
    """Pools with so many runs at once, their queues, and the automations."""
    async with get_client() as client:
        for name, at_once in runs.items():
            await make_pool(client, name, at_once)
            print(f"work pool {name}: {at_once} at once; queues {', '.join(QUEUES)}")
        for automation in automations(zombie_seconds):
            await make_automation(client, automation)
            print(f"automation {automation.name}")


def deploy(root: Path, names: Sequence[str]) -> int:
    """Tell the server of deployments; Prefect's own program reads prefect.yaml. 1 if it failed."""
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"}
    environment.pop("PADSTAL_CHECKOUT", None)  # each worker puts in its own
    chosen = [word for name in names for word in ("--name", name)] or ["--all"]
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", *chosen]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    failed = done.returncode != 0 or "Error" in done.stderr
    print(f"prefect deploy failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}" if failed else "deployments: told")
    return int(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cpu-runs", type=int, default=2, help="runs at once in the pool cpu (2)")
    parser.add_argument("--gpu-runs", type=int, default=1, help="runs at once in the pool gpu: as many as GPUs (1)")
    parser.add_argument(
        "--zombie-seconds", type=float, default=ZOMBIE_SECONDS, help="silence before a run counts as dead"
    )
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this deployment; may be repeated")
    given = parser.parse_args()
    if not os.environ["PREFECT_API_URL"]:
        parser.error(f"no server at {local_prefect.ADDRESS} (`make server`), and PREFECT_API_URL names no other")
    asyncio.run(set_up({"cpu": given.cpu_runs, "gpu": given.gpu_runs}, given.zombie_seconds))
    return deploy(local_prefect.ROOT, given.only)


if __name__ == "__main__":
    raise SystemExit(main())
