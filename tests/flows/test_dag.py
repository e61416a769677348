"""The flow's order is that of `dvc.yaml`: nothing runs before what it needs."""

from pathlib import Path

import pytest
from flows.dag import Dag, read_dag
from tests.flows.tiny import CHAIN, make_repo


@pytest.mark.slow
def test_matrix_stages_are_expanded_and_come_after_what_they_need(tmp_path: Path) -> None:
    dag = read_dag(make_repo(tmp_path, CHAIN))
    assert dag.stages == ("first", "middle@x", "middle@y", "last")
    assert dag.needs["last"] == {"middle@x", "middle@y"}
    assert dag.needs["first"] == frozenset()


def test_a_wanted_stage_brings_all_that_is_upstream_and_nothing_else() -> None:
    needs = {"a": [], "b@x": ["a"], "b@y": ["a"], "c": ["b@x"], "d": ["c", "b@y"]}
    dag = Dag(tuple(needs), {stage: frozenset(above) for stage, above in needs.items()})
    assert dag.upto(["c"]) == ("a", "b@x", "c")
    assert dag.upto(["b"]) == ("a", "b@x", "b@y")
    assert dag.upto(dag.stages) == dag.stages


def test_what_comes_after_a_change_is_found() -> None:
    needs = {"a": [], "b@x": ["a"], "b@y": ["a"], "c": ["b@x"], "d": ["c", "b@y"]}
    dag = Dag(tuple(needs), {stage: frozenset(above) for stage, above in needs.items()})
    assert dag.downstream(["b@y"]) == {"b@y", "d"}
    assert dag.downstream(["a"]) == set(needs)
    assert dag.downstream([]) == frozenset()


def test_an_unknown_stage_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'train' is no stage of dvc.yaml: expected one of a"):
        Dag(("a",), {"a": frozenset()}).upto(["train"])
