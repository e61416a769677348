"""What orchestration costs: a pipeline under a running Prefect server against plain `dvc repro`, and a run with no work.

Usage: python tests/flows/measure_overhead.py [--stages 22] [--seconds 2] [--repeats 3]

Stages in a row sleep, so that what is measured is what is not theirs. Prints JSON: medians in seconds. `ratio` is for
this pipeline; `ratio_at_demo` is what the same extra time would be of a demo run (`--demo-seconds`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from checkout import environment_of, make_checkout
from prefect_server import PREFECT, QUIET, server, started, wait_for, without_prefect
from tiny import DVC, make_repo

ROOT = Path(__file__).resolve().parents[2]


def chain(stages: int, seconds: float) -> str:
    """A `dvc.yaml` of stages that each sleep and read what the one before wrote."""
    lines = ["stages:"]
    for number in range(stages):
        command = f"python -c \\\"import time; time.sleep({seconds}); open('o{number}','w').write('{number}')\\\""
        deps = f"    deps: [o{number - 1}]\n" if number else ""
        lines.append(f'  s{number}:\n    cmd: "{command}"\n{deps}    outs: [o{number}]')
    return "\n".join(lines) + "\n"


def timed(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def measure(stages: int, seconds: float, repeats: int, demo_seconds: float) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="padstal-overhead-") as name:
        folder = Path(name)
        checkout = make_checkout(folder / "checkout")
        with server(folder / "server") as running:
            extra = {"PREFECT_API_URL": running.address, "PREFECT_HOME": str(folder / "home"), **QUIET}
            environment = without_prefect(environment_of(checkout)) | extra

            def call(*command: str, folder: Path) -> None:
                subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

            plain, flow, plain_idle, flow_idle = [], [], [], []
            for number in range(repeats):
                one = make_repo(folder / f"plain{number}", chain(stages, seconds))
                two = make_repo(folder / f"flow{number}", chain(stages, seconds))
                run_flow = [sys.executable, str(checkout / "flows" / "pipeline.py"), "--root", str(two)]
                plain.append(timed(lambda root=one: call(*DVC, "repro", folder=root)))
                flow.append(timed(lambda command=run_flow: call(*command, folder=checkout)))
                plain_idle.append(timed(lambda root=one: call(*DVC, "repro", folder=root)))
                flow_idle.append(timed(lambda command=run_flow: call(*command, folder=checkout)))

            call(*DVC, "repro", folder=checkout)
            call("git", "add", "-A", folder=checkout)
            call("git", "commit", "-qm", "Run", folder=checkout)
            call(sys.executable, "flows/setup.py", "--only", "ingest", folder=checkout)
            with started([*PREFECT, "worker", "start", "--pool", "cpu"], folder, environment, folder / "worker.log"):
                wait_for(lambda: running.post("/work_pools/cpu/workers/filter"), "the worker")
                scheduled = [timed(lambda: running.finished(running.ask("ingest"))) for _ in range(repeats)]
                assert [run["state_type"] for run in running.runs_of("ingest")].count("COMPLETED") == repeats
    extra_seconds = median(flow) - median(plain)
    return {
        "plain": median(plain),
        "flow": median(flow),
        "ratio": median(flow) / median(plain),
        "extra_per_stage": extra_seconds / stages,
        "ratio_at_demo": 1 + extra_seconds / demo_seconds,
        "plain_with_nothing_to_do": median(plain_idle),
        "flow_with_nothing_to_do": median(flow_idle),
        "deployed_run_with_nothing_to_do": median(scheduled),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stages", type=int, default=22, help="stages in a row (22, as many as padstal's)")
    parser.add_argument("--seconds", type=float, default=2.0, help="that each sleeps (2)")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement (3)")
    parser.add_argument("--demo-seconds", type=float, default=900.0, help="that a demo run takes (900)")
    given = parser.parse_args()
    found = measure(given.stages, given.seconds, given.repeats, given.demo_seconds)
    print(json.dumps({name: round(value, 3) for name, value in found.items()}, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
