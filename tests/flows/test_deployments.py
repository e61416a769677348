"""prefect.yaml says what it should: every flow exists, has no retries of its own, and shares neither pool nor GPU."""

import importlib
import inspect
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from flows.local_prefect import ADDRESS

ROOT = Path(__file__).resolve().parents[2]
ENTRIES: dict[str, Any] = {
    entry["name"]: entry for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
}


def _flow(name: str) -> Any:
    file, function = ENTRIES[name]["entrypoint"].split(":")
    return getattr(importlib.import_module(file.removesuffix(".py").replace("/", ".")), function)


@pytest.mark.slow
@pytest.mark.parametrize("name", ENTRIES)
def test_a_deployments_flow_has_its_name_and_no_retries_of_its_own(name: str) -> None:
    flow = _flow(name)
    assert flow.name == name
    assert not flow.retries  # with a concurrency limit its run would end as Crashed (PrefectHQ/prefect#22885)


@pytest.mark.parametrize("name", [name for name in ENTRIES if name != "train"])
def test_every_parameter_has_a_default_and_the_defaults_hold(name: str) -> None:
    flow = _flow(name)
    parameters = inspect.signature(flow.fn).parameters.values()
    assert not [word.name for word in parameters if word.default is inspect.Parameter.empty]
    flow.validate_parameters({word.name: word.default for word in parameters} | ENTRIES[name].get("parameters", {}))


def test_what_may_use_a_gpu_runs_in_the_pool_of_gpus_and_nothing_else_sees_one() -> None:
    pools = {name: entry["work_pool"]["name"] for name, entry in ENTRIES.items()}
    assert pools == {"ingest": "cpu", "retrain": "cpu", "train": "gpu", "evaluate": "gpu"}
    for entry in ENTRIES.values():
        environment = entry["work_pool"]["job_variables"]["env"]
        assert environment.get("CUDA_VISIBLE_DEVICES") == ("" if entry["work_pool"]["name"] == "cpu" else None)
        assert entry["concurrency_limit"]["limit"] == 1


def test_what_a_schedule_asks_for_is_cancelled_and_what_a_person_asks_for_waits() -> None:
    for entry in ENTRIES.values():
        strategy = "CANCEL_NEW" if entry["schedules"] else "ENQUEUE"
        assert entry["concurrency_limit"]["collision_strategy"] == strategy
    assert {name for name, entry in ENTRIES.items() if entry["schedules"]} == {"ingest", "retrain"}


def test_a_run_is_dead_only_after_more_than_three_missing_heartbeats() -> None:
    from flows.setup import QUEUES, ZOMBIE_SECONDS, automations

    for entry in ENTRIES.values():
        assert 3 * int(entry["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]) < ZOMBIE_SECONDS
        assert entry["work_pool"]["work_queue_name"] in QUEUES
    assert [automation.trigger.within.total_seconds() for automation in automations(35.0)] == [35.0, 900.0]


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ([], ADDRESS),
        (["SERVER_PORT=4270"], "http://127.0.0.1:4270/api"),
        (["SERVER_PORT=4270", "SERVER_HOST=0.0.0.0"], "http://127.0.0.1:4270/api"),
    ],
)
def test_server_workers_and_pages_agree_on_the_address(given: list[str], address: str, tmp_path: Path) -> None:
    """The programs of `make` are stand-ins that say what they are told."""
    say = 'echo "$PREFECT_API_URL $PREFECT_SERVER_UI_API_URL $@"\n'
    for name in ("prefect", "python"):
        (tmp_path / name).write_text(f"#!/bin/sh\n{say}")
        (tmp_path / name).chmod(0o755)
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("PREFECT_", "MAKE"))}
    for target, pages in (("server", "/api"), ("worker", ""), ("deployments", "")):
        command = ["make", "-s", "-o", "setup", target, f"BIN={os.path.relpath(tmp_path, ROOT)}", *given]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1].startswith(f"{address} {pages} "), done.stdout + done.stderr


def test_a_scale_is_chosen_in_the_workspace_alone(tmp_path: Path) -> None:
    from flows.pipeline import choose_scale

    file = tmp_path / "params.yaml"
    file.write_text("# scale: x\nscale: demo\nscales:\n  demo: 1\n")
    choose_scale(tmp_path, None)
    choose_scale(tmp_path, "study")
    assert file.read_text() == "# scale: x\nscale: study\nscales:\n  demo: 1\n"
