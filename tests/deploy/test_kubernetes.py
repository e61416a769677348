"""The Kubernetes examples hold against Kubernetes' schemas and Prefect's own classes, and name secrets only."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

pytestmark = pytest.mark.slow  # imports prefect

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
KUBERNETES = "1.30"
POOLS = ["cpu", "gpu"]
NOT_OF_PODS = ("completions", "parallelism")
"""Prefect insists on them in the pod's specification, where Kubernetes does not know them."""


def template(pool: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / f"{pool}-pool.json").read_text(encoding="utf-8"))
    return read


def job_of(pool: str, **values: Any) -> dict[str, Any]:
    """The job that Prefect's worker would send to Kubernetes for a flow run."""
    from prefect.client.schemas.objects import FlowRun
    from prefect.utilities.templating import apply_values
    from prefect_kubernetes.worker import KubernetesWorkerJobConfiguration

    raw = template(pool)
    defaults = {name: each["default"] for name, each in raw["variables"]["properties"].items()}
    filled = apply_values(deepcopy(raw["job_configuration"]), {**defaults, **values}, remove_notset=True)
    configuration = KubernetesWorkerJobConfiguration(**filled)
    configuration.prepare_for_flow_run(FlowRun(flow_id=uuid4(), name="eager-owl"))
    return configuration.job_manifest


def check(manifest: dict[str, Any]) -> None:
    import kubernetes_validate

    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


@pytest.mark.parametrize("pool", POOLS)
def test_a_flow_run_becomes_a_job_that_kubernetes_knows(pool: str) -> None:
    job = job_of(pool)
    for name in NOT_OF_PODS:
        assert pod_of(job).pop(name) == 1
    check(job)
    [container] = pod_of(job)["containers"]
    assert container["args"], "Prefect fills in its command"
    assert {"name": "PADSTAL_CHECKOUT", "value": "/shared/padstal"} in container["env"]
    assert "{{" not in json.dumps(job)


def test_a_mistake_in_a_manifest_is_found() -> None:
    import kubernetes_validate

    job = job_of("gpu")
    with pytest.raises(kubernetes_validate.ValidationError):
        check(job)  # with the fields that only Prefect knows


@pytest.mark.parametrize("file", ["storage.yaml", "workers.yaml"])
def test_the_other_manifests_are_known(file: str) -> None:
    manifests = list(yaml.safe_load_all((FOLDER / file).read_text(encoding="utf-8")))
    for manifest in manifests:
        check(manifest)
        assert manifest["metadata"]["namespace"] == "padstal"


def test_gpus_are_asked_for_in_the_gpu_pool_alone() -> None:
    [cpu], [gpu] = (pod_of(job_of(pool))["containers"] for pool in POOLS)
    assert "nvidia.com/gpu" not in cpu["resources"]["limits"]
    assert gpu["resources"]["limits"]["nvidia.com/gpu"] == 1
    [four] = pod_of(job_of("gpu", gpus=4))["containers"]
    assert four["resources"]["limits"]["nvidia.com/gpu"] == four["resources"]["requests"]["nvidia.com/gpu"] == 4
    assert {"name": "CUDA_VISIBLE_DEVICES", "value": ""} in cpu["env"]
    assert pod_of(job_of("gpu"))["tolerations"][0]["key"] == "nvidia.com/gpu"


@pytest.mark.parametrize("pool", POOLS)
def test_runs_share_one_volume_and_have_no_rights(pool: str) -> None:
    [claim] = [
        manifest
        for manifest in yaml.safe_load_all((FOLDER / "storage.yaml").read_text(encoding="utf-8"))
        if manifest["kind"] == "PersistentVolumeClaim"
    ]
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    pod = pod_of(job_of(pool))
    claims = [
        volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume
    ]
    assert claims == [claim["metadata"]["name"]]
    [container] = pod["containers"]
    env = {each["name"]: each.get("value") for each in container["env"]}
    mounts = [each["mountPath"] for each in container["volumeMounts"] if each["name"] == "shared"]
    assert all(env[name].startswith(f"{mounts[0]}/") for name in ("PADSTAL_CHECKOUT", "PADSTAL_WORKSPACES"))
    assert pod["securityContext"]["runAsNonRoot"]
    assert not container["securityContext"]["allowPrivilegeEscalation"]
    assert not pod["automountServiceAccountToken"]
    assert pod["terminationGracePeriodSeconds"] >= 60  # a step, a checkpoint


def test_secrets_are_named_and_never_written() -> None:
    for file in sorted(FOLDER.iterdir()):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"^kind: Secret$|\"kind\": \"Secret\"|stringData", text, re.MULTILINE), file.name
    for pool in POOLS:
        [container] = pod_of(job_of(pool))["containers"]
        assert container["envFrom"] == [{"secretRef": {"name": "padstal"}}]
        assert not [each for each in container["env"] if re.search("KEY|TOKEN|SECRET|PASSWORD", each["name"])]


@pytest.mark.parametrize("pool", POOLS)
def test_every_variable_is_used_and_explained(pool: str) -> None:
    raw = template(pool)
    used = set(re.findall(r"{{ (\w+) }}", json.dumps(raw["job_configuration"])))
    properties = raw["variables"]["properties"]
    assert used == set(properties)
    assert all(each["description"] for each in properties.values())
