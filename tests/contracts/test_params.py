"""`params.yaml` as it is in the repository holds at all scales."""

from typing import Any

import pytest
import yaml
from tests.contracts.repository import ROOT, dvc_stages

from padstal.stages.params import load_tree, reserved_keys

PARAMS = ROOT / "params.yaml"


def _raw() -> Any:
    return yaml.safe_load(PARAMS.read_text(encoding="utf-8"))


def test_all_scales_are_valid() -> None:
    load_tree(PARAMS)


def test_a_fresh_clone_runs_the_demo_offline_on_any_machine() -> None:
    tree = load_tree(PARAMS)
    assert (tree.scale, tree.runtime.device, tree.tracking.mode) == ("demo", "auto", "offline")


def test_no_key_is_one_that_dvc_drops_from_its_hash() -> None:
    assert list(reserved_keys(_raw())) == []


def test_the_matrices_of_dvc_are_the_items_of_params() -> None:
    for scale, sections in _raw()["scales"].items():
        for stage in ("train_vae", "train_diffusion"):
            [items] = dvc_stages()[stage]["matrix"].values()
            assert list(sections[stage]) == items, f"scales.{scale}.{stage}"
        [roles] = dvc_stages()["prepare"]["matrix"].values()
        assert set(roles) <= set(sections["prepare"]), f"scales.{scale}.prepare"


@pytest.mark.parametrize("scale", ["demo", "study"])
def test_every_stage_has_a_budget(scale: str) -> None:
    budget = load_tree(PARAMS).scales[scale].budget
    for stage, content in dvc_stages().items():
        items = next(iter(content.get("matrix", {"": []}).values()))
        assert stage in budget or (items and all(f"{stage}@{item}" in budget for item in items)), stage
    assert not [name for name in budget if name.partition("@")[0] not in dvc_stages()]
