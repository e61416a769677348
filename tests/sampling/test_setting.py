from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.diffusion.fakes import setting

from padstal.core.explain import explain
from padstal.core.params import ParamsError, check
from padstal.sampling.config import Grid
from padstal.sampling.setting import Setting, Sweep, of

ENTRY: dict[str, Any] = {
    "method": {"kind": "pads", "strength": [0.5, 1.0], "tau1": 0.3, "tau2": 0.9},
    "guidance": {"kind": "cfg", "w": [2.0, 4.0]},
    "solver": {"kind": "ddim"},
    "steps": 16,
    "sigma_min": 0.03,
    "sigma_max": 100.0,
}


def sweep(**changes: Any) -> tuple[Setting, ...]:
    return Sweep.model_validate({**ENTRY, **changes}).settings


def test_lists_are_swept_and_the_first_one_varies_fastest() -> None:
    found = [(one.strength, one.w) for one in sweep()]
    assert found == [(0.5, 2.0), (1.0, 2.0), (0.5, 4.0), (1.0, 4.0)]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"method": {**ENTRY["method"], "tau1": [0.1, 0.2]}}, "method.tau1"),
        ({"method": {**ENTRY["method"], "tau2": [0.8, 0.9]}}, "method.tau2"),
        ({"solver": [{"kind": "ddim"}, {"kind": "dpmpp_3m_sde"}]}, "solver.kind"),
        ({"solver": {"kind": "ddim", "eta": [0.0, 0.5]}}, "solver.eta"),
        ({"steps": [8, 16]}, "steps"),
        ({"sigma_max": [80.0, 100.0]}, "sigma_max"),
    ],
)
def test_anything_can_be_swept_and_is_told_apart(changes: dict[str, Any], path: str) -> None:
    found = sweep(**changes)
    assert len({one.id for one in found}) == len(found) == 8
    assert len({one.values[path] for one in found}) == 2
    assert len({one.path for one in found}) == 4  # strength alone does not leave a path


def test_a_range_is_a_list_at_equal_distances() -> None:
    method = {**ENTRY["method"], "strength": {"from": 0.25, "to": 1.0, "count": 4}}
    assert [one.strength for one in sweep(method=method, guidance={"kind": "cfg", "w": 2.0})] == [0.25, 0.5, 0.75, 1.0]


def test_an_id_is_the_same_after_a_round_trip_and_whatever_the_order_of_keys() -> None:
    one = sweep()[0]
    assert Setting.model_validate_json(one.model_dump_json()).id == one.id
    assert Setting.model_validate(dict(reversed(one.model_dump().items()))).id == one.id
    assert one.id == "125aae73cc"  # on disk: it must not change from one version to the next


def test_a_label_tells_what_differs_and_no_more() -> None:
    among = sweep(method={**ENTRY["method"], "tau1": [0.3, 0.6]})
    assert among[0].label() == "pads s = 0.5, w = 2"
    assert among[0].label(among) == "pads s = 0.5, τ1 = 0.3, w = 2"
    assert setting().label() == "none w = 3"


def test_a_setting_that_the_grid_lacks_is_an_error_that_lists_what_it_has() -> None:
    with pytest.raises(ValueError, match=r"method.kind = cads: .* it has: pads s = 0.5, w = 2; pads s = 1, w = 2"):
        of(sweep(), {"method.kind": "cads"})
    assert of(sweep(), {"method.kind": "pads", "guidance.w": 4.0})[0].w == 4.0


def params(**changes: Any) -> dict[str, Any]:
    tree = yaml.safe_load((Path(__file__).resolve().parents[2] / "params.yaml").read_text(encoding="utf-8"))
    return {**tree["scales"]["demo"]["sample"]["grids"]["pads_tal"], **changes}


def test_what_a_sweep_does_not_name_is_the_samplers() -> None:
    own = params()["sweeps"]["pads"]
    own_steps = params()["sampler"]["steps"]
    found = check(Grid, params(sweeps={"pads": own, "few": {**own, "steps": [4, 20]}}), "grid")
    assert [one.steps for one in found.settings] == [own_steps] * 3 + [4] * 3 + [20] * 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tau1": 3.0}, "grid.sweeps.pads.method.tau1 = 3.0: input should be less than or equal to 1"),
        ({"rescale": 1.0}, "grid.sweeps.pads.method.rescale: unknown key; expected strength, tau1"),
        ({"kind": "pds"}, "grid.sweeps.pads.method: kind = 'pds': expected a diversity method, .* none, cads, pads"),
        ({"strength": []}, r"strength = \[\]: a sweep needs at least one value"),
        ({"tau1": 0.95}, "tau1 = 0.95 must not exceed tau2 = 0.9"),
    ],
)
def test_a_wrong_value_is_named_by_its_path(change: dict[str, Any], said: str) -> None:
    entry = {**params()["sweeps"]["pads"]}
    entry["method"] = {**entry["method"], **change}
    with pytest.raises(ParamsError, match=said):
        check(Grid, params(sweeps={"pads": entry}), "grid")


def test_the_same_setting_twice_is_refused() -> None:
    pads = params()["sweeps"]["pads"]
    with pytest.raises(ParamsError, match=r"pads s = 1, w = 2 twice"):
        check(Grid, params(sweeps={"pads": pads, "again": pads}), "grid")


def test_a_sweep_explains_its_values_as_params_write_them() -> None:
    lines = {one.path: one for one in explain(check(Grid, params(), "grid"), "grid")}
    strength = lines["grid.sweeps.pads.method.strength"]
    assert (strength.value, strength.allowed) == ("[1, 2, 4]", "≥ 0")
    assert lines["grid.sweeps.unperturbed.guidance.w"].value == "[2, 1, 4]"
