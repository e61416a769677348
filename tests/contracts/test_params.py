"""`params.yaml` as it is in the repository holds at all scales."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.contracts.repository import ROOT, dvc_stages, items_of

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


def test_the_matrices_of_dvc_read_what_runs_from_params() -> None:
    dag, raw = dvc_stages(), _raw()
    assert dag["encode"]["matrix"]["codec"] == "${codecs}"
    foreach = [dag[stage]["foreach"] for stage in ("train_vae", "train_diffusion", "sample")]
    assert foreach == ["${autoencoders}", "${denoisers}", "${systems}"]
    for scale, sections in raw["scales"].items():
        assert set(raw["autoencoders"]) <= set(sections["train_vae"]), f"scales.{scale}.train_vae"
        assert set(raw["denoisers"]) <= set(sections["train_diffusion"]), f"scales.{scale}.train_diffusion"
        assert set(dag["prepare"]["foreach"]) <= set(sections["prepare"]), f"scales.{scale}.prepare"


@pytest.mark.parametrize("scale", ["demo", "study"])
def test_every_stage_has_a_budget(scale: str) -> None:
    budget = load_tree(PARAMS).scales[scale].budget
    for stage, content in dvc_stages().items():
        items = items_of(content)
        assert stage in budget or (items and all(f"{stage}@{item}" in budget for item in items)), stage
    assert not [name for name in budget if name.partition("@")[0] not in dvc_stages()]


def test_each_stage_of_the_pipeline_may_have_a_time_limit(tmp_path: Path) -> None:
    raw, dag = _raw(), dvc_stages()
    labels = [*dag, *(f"{stage}@{item}" for stage, content in dag.items() for item in items_of(content))]
    raw["operations"]["time_limits"] = dict.fromkeys(labels, 1)
    (tmp_path / "params.yaml").write_text(json.dumps(raw))
    assert "train_diffusion@discodiff_primary" in load_tree(tmp_path / "params.yaml").operations.time_limits


def test_no_two_places_share_a_mapping() -> None:
    """`<<` takes over keys; a mapping below one would be one for both places: what is set in one is set in both."""
    seen: dict[int, str] = {}
    for at, node in _mappings(tree := _raw()):
        assert id(node) not in seen, f"{at} is {seen[id(node)]}: give it a `<<` of its own"
        seen[id(node)] = at
    assert tree["scales"]["study"]["gate"] == tree["scales"]["demo"]["gate"], "the same values may be in both"


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["demo", "study", "full"])
def test_an_experiment_changes_the_values_it_names_and_no_other(tmp_path: Path, scale: str) -> None:
    """As `dvc exp run -S` does it: a number of every mapping of a scale, all at once."""
    from dvc.utils.hydra import apply_overrides

    expected = _raw()
    named = []
    for at, node in _mappings(expected["scales"][scale], f"scales.{scale}"):
        key = next((key for key, old in node.items() if type(old) in (int, float)), None)
        if key is not None:
            node[key] += 1
            named.append(f"{at}.{key}={node[key]}")
    file = tmp_path / "params.yaml"
    file.write_bytes(PARAMS.read_bytes())
    apply_overrides(file, named)
    assert len(named) > 25
    found = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert found == expected
    assert _orders_in_lists(found) == _orders_in_lists(expected), "or `dvc exp diff` takes the whole list for changed"


@pytest.fixture(scope="module")
def of_study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A repository with `dvc.yaml`, and what its stages read of `params.yaml` at the scale study."""
    root = tmp_path_factory.mktemp("study")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=root, check=True, capture_output=True)
    (root / "dvc.yaml").write_bytes((ROOT / "dvc.yaml").read_bytes())
    return root, _read_by_stages(root, _text_of_study())


def _text_of_study() -> str:
    return PARAMS.read_text(encoding="utf-8").replace("scale: demo", "scale: study", 1)


@pytest.mark.slow  # DVC reads the whole graph for each
@pytest.mark.parametrize(
    ("old", "new", "stages"),
    [
        ("    score: {<<: *score}", "    score: {<<: *score, batch_clips: 65}", {"score"}),
        (
            "      <<: *demo_sample\n      tune_prompts: 8",
            "      <<: *demo_sample\n      tune_prompts: 8\n      prompt_seed: 6",
            {"sample@audio_dit", "sample@tal_dit", "sample@qa_mdt", "sample@discodiff"},
        ),
        (
            "training: {<<: *study_dit_training, rate: {<<: *study_dit_rate}}",
            "training: {<<: *study_dit_training, rate: {<<: *study_dit_rate}, steps: 3601}",
            {"train_diffusion@tal_dit"},
        ),
        ("      rho1: 0.25", "      rho1: 0.26", {"caption"}),
    ],
    ids=["of study", "of all items", "of one item", "of demo, which study takes over"],
)
def test_an_edit_makes_those_stages_stale_that_read_it(
    of_study: tuple[Path, dict[str, Any]], old: str, new: str, stages: set[str]
) -> None:
    root, before = of_study
    text = _text_of_study()
    assert text.count(old) == 1
    after = _read_by_stages(root, text.replace(old, new))
    assert {stage for stage in before if before[stage] != after[stage]} == stages | {"report"}


def _mappings(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All mappings below a node, with their key paths."""
    if isinstance(node, dict):
        yield at, node
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from _mappings(child, f"{at}.{key}" if at else str(key))


def _orders_in_lists(tree: Any) -> dict[str, list[str]]:
    """The keys of each mapping that is an entry of a list."""
    return {at: list(node) for at, node in _mappings(tree) if at.rpartition(".")[2].isdigit()}


def _read_by_stages(root: Path, params: str) -> dict[str, Any]:
    """The params that each stage reads, as DVC resolves them."""
    from dvc.dependency import ParamsDependency
    from dvc.repo import Repo

    (root / "params.yaml").write_text(params, encoding="utf-8")
    with Repo(str(root)) as repo:
        return {
            stage.name: [dep.read_params(flatten=False) for dep in stage.deps if isinstance(dep, ParamsDependency)]
            for stage in repo.index.stages
        }
