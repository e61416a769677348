import pytest
from tests.curation.fakes import stage

from padstal.core.data.atomic import read_json, write_json
from padstal.curation.expectations.config import GateParams
from padstal.stages.gate import main
from padstal.stages.harness import StageError


def entry(name, severity, success, **more):
    return {
        "name": name,
        "table": "clips",
        "column": "licence",
        "severity": severity,
        "success": success,
        "unexpected": 0 if success else 5,
        "offenders": [] if success else ["c1", "c2", "c3"],
        "observed": "5 of 9 rows do not comply",
        "expected": "regex \\S",
        "advice": "",
        **more,
    }


def gate(root, entries, stop_at="critical", item="ingest"):
    run = stage("gate", root, GateParams(stop_at=stop_at), item)
    write_json(run.paths.validate(item) / "verdict.json", {"expectations": entries})
    main(run)
    return run


def test_a_broken_expectation_stops_the_run_naming_column_count_and_three_ids(tmp_path):
    with pytest.raises(StageError) as error:
        gate(tmp_path, [entry("every clip has a licence", "critical", False), entry("fine", "critical", True)])
    for part in ("1 of 2 expectations", "column licence", "5 rows", "c1, c2, c3", "every clip has a licence"):
        assert part in str(error.value)
    assert "fine" not in str(error.value)
    assert not stage("gate", tmp_path, None).paths.gate("ingest").exists()


def test_a_data_set_passes_or_fails_alone(tmp_path):
    gate(tmp_path, [entry("fine", "critical", True)], item="ingest")
    with pytest.raises(StageError, match=r"what curate made are broken .*validate/curate/data_docs/index.html"):
        gate(tmp_path, [entry("licence", "critical", False)], item="curate")
    paths = stage("gate", tmp_path, None).paths
    assert paths.gate("ingest").exists()
    assert not paths.gate("curate").exists()


def test_a_warning_passes_unless_the_gate_stops_at_warnings(tmp_path):
    entries = [entry("loud", "warning", False), entry("fine", "critical", True)]
    run = gate(tmp_path, entries)
    assert read_json(run.paths.gate("ingest") / "passed.json") == {
        "broken": 1,
        "expectations": 2,
        "stop_at": "critical",
    }
    with pytest.raises(StageError, match="warning: loud"):
        gate(tmp_path, entries, stop_at="warning")


def test_a_broken_expectation_of_the_whole_table_says_what_was_observed(tmp_path):
    broken = entry(
        "enough", "critical", False, column="", unexpected=0, offenders=[], observed="3", expected="min_value 10"
    )
    with pytest.raises(StageError, match="table of clips: 3, expected min_value 10"):
        gate(tmp_path, [broken])


def test_advice_is_passed_on(tmp_path):
    with pytest.raises(StageError, match=r"without test, .* \(take another split_seed\)"):
        gate(
            tmp_path,
            [
                entry(
                    "splits", "critical", False, unexpected=0, observed="without test", advice="take another split_seed"
                )
            ],
        )
