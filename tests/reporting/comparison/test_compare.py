"""Two sides differ in what was changed and in nothing else, and verdicts follow the intervals."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.reporting.comparison.revisions import tree

from padstal.core.revisions import Tree
from padstal.reporting.comparison.compare import compare
from padstal.reporting.comparison.metrics import decide
from padstal.reporting.comparison.record import Comparison, Delta
from padstal.reporting.comparison.side import Side, read_side

Edit = Callable[[dict[str, Any]], None]
EVALUATE, INGEST = "reports/demo/metrics/evaluate.json", "reports/demo/metrics/ingest.json"


@dataclass(frozen=True)
class Files:
    """A revision's files without a repository; read as a `Tree` is."""

    content: dict[str, Any]
    name: str
    commit: str = "0" * 40
    changed: bool = False

    def read(self, path: str) -> bytes | None:
        found = self.content.get(path)
        if found is None or isinstance(found, bytes):
            return found
        return (json.dumps(found) if path.endswith(".json") else yaml.safe_dump(found)).encode()

    def files(self, folder: str, ending: str) -> list[str]:
        return sorted(path for path in self.content if path.startswith(f"{folder}/") and path.endswith(ending))


def side(files: dict[str, Any], name: str = "x", scale: str = "demo") -> Side:
    return read_side(cast(Tree, Files(files, name)), scale)


def compared(edit: Edit | None = None, before: Edit | None = None) -> Comparison:
    base, head = tree(), tree()
    for files, change in ((base, before), (head, edit)):
        if change:
            change(files)
    return compare(side(base, "base"), side(head, "head"), "demo")


def metric(found: Comparison, name: str, method: str = "pads") -> Delta:
    [delta] = [one for one in found.metrics if one.metric == name and one.group == f"tal_dit · {method}"]
    return delta


def row(files: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = files[EVALUATE]["rows"][1]
    return found


def test_equal_sides_do_not_differ() -> None:
    found = compared()
    assert {delta.verdict for delta in (*found.metrics, *found.checks)} == {"unchanged"}
    assert {found.params, found.stages, found.notes, found.stale} == {()}
    assert [licence.note for licence in found.licences] == ["", ""]


@pytest.mark.parametrize(
    ("name", "value", "around", "verdict"),
    [
        ("vendi", 3.0, [2.5, 3.5], "better"),
        ("vendi", 1.2, [1.0, 1.5], "worse"),
        ("ibs", 0.5, [0.4, 0.6], "better"),  # lower is better
        ("ibs", 0.99, [0.96, 1.0], "worse"),
        ("vendi", 2.3, [2.2, 2.6], "no clear difference"),  # they touch
        ("vendi", 3.0, None, "open"),
        ("vendi", None, None, "open"),
    ],
)
def test_intervals_that_are_apart_decide(name: str, value: float | None, around: Any, verdict: str) -> None:
    def edit(files: dict[str, Any]) -> None:
        row(files)[name] = value
        row(files)["intervals"][name] = around

    found = compared(edit)
    assert metric(found, name).verdict == verdict
    assert metric(found, name, "none").verdict == "unchanged"


@given(st.tuples(*[st.floats(-10, 10) for _ in range(6)]), st.sampled_from(["higher", "lower"]))
def test_exchanging_the_sides_turns_the_verdict(numbers: tuple[float, ...], better: Any) -> None:
    base, head = sorted(numbers[:3]), sorted(numbers[3:])
    there = decide(better, (base[1], (base[0], base[2])), (head[1], (head[0], head[2])))
    back = decide(better, (head[1], (head[0], head[2])), (base[1], (base[0], base[2])))
    turned = {"better": "worse", "worse": "better"}
    assert back == turned.get(there, there)
    if there in turned:
        assert head[0] > base[2] or head[2] < base[0]


def test_both_sides_are_read_as_the_pipeline_reads_them() -> None:
    """YAML 1.2: an older reader takes 45e-1 and 0o17 for texts, 017 for 15, on for true and 1:30 for 90."""
    written = ("4.5", "15", "17", "'on'", "'1:30'", "1.0e-05"), ("45e-1", "0o17", "017", "on", "1:30", "1e-05")

    def edit(values: tuple[str, ...]) -> Edit:
        def change(files: dict[str, Any]) -> None:
            keys = [f"key{number}: {one}\n" for number, one in enumerate(values)]
            files["params.yaml"] = "".join(
                ["scale: demo\nscales:\n  demo:\n    ingest:\n", *(f"      {key}" for key in keys)]
            ).encode()
            top = "schema: '2.0'\nstages:\n  ingest:\n    cmd: ingest\n    params:\n"
            files["dvc.lock"] = "".join(
                [top, "      params.yaml:\n        scales.demo.ingest:\n", *(f"          {key}" for key in keys)]
            ).encode()

        return change

    found = compared(edit(written[1]), edit(written[0]))
    assert (found.params, found.stages, found.stale) == ((), (), ())


def test_params_with_a_key_twice_are_damaged() -> None:
    def edit(files: dict[str, Any]) -> None:
        files["params.yaml"] = b"scale: demo\nscale: study\n"

    assert "head has no readable params.yaml." in compared(edit).notes


def test_a_metric_of_which_nobody_knows_what_is_good_is_only_different() -> None:
    assert decide("", (1, (0, 2)), (5, (4, 6))) == "different"


def test_what_another_model_heard_is_not_compared() -> None:
    def edit(files: dict[str, Any]) -> None:
        files["dvc.lock"]["stages"]["prepare@clap"]["outs"][0]["md5"] = "d" * 32 + ".dir"
        row(files).update(vendi=9.0, pmos=4.0)

    found = compared(edit)
    assert metric(found, "vendi").verdict == "not comparable"
    assert metric(found, "vendi").note == "heard by another clap"
    assert metric(found, "pmos").verdict == "open", "p-MOS is heard by another model, which stayed"
    assert found.remedy.startswith("Other foundation models heard head (clap)")


def test_what_another_embedder_heard_is_not_compared() -> None:
    def edit(files: dict[str, Any]) -> None:
        files[EVALUATE].setdefault("foundation", {}).setdefault("origin", {})["vendi"] = "passt of checkpoints/passt"
        row(files).update(vendi=9.0)

    found = compared(edit)
    assert metric(found, "vendi").verdict == "not comparable"
    assert metric(found, "vendi").note == "heard by another embedder"
    assert found.remedy == ""


def test_ears_that_the_same_code_and_data_made_say_that_another_processor_did() -> None:
    def other_machine(files: dict[str, Any]) -> None:
        files["dvc.lock"]["stages"]["prepare@clap"]["outs"][0]["md5"] = "d" * 32 + ".dir"

    def other_code(files: dict[str, Any]) -> None:
        other_machine(files)
        files["dvc.lock"]["stages"]["prepare@clap"]["cmd"] = "prepare --anew"

    remedy = "Make both on one machine"
    assert compared().remedy == ""
    assert f"the same code, data and params made them, so another processor did. {remedy}" in (
        compared(other_machine).remedy
    )
    assert "another processor" not in compared(other_code).remedy
    assert remedy in compared(other_code).remedy


def test_a_moved_setting_is_noted() -> None:
    def edit(files: dict[str, Any]) -> None:
        row(files)["record"]["method"].update(strength=1.0, tau1=0.25)

    assert metric(compared(edit), "vendi").note == "method.strength 0.5 → 1, method.tau1 0.5 → 0.25"


def test_sweeps_of_one_method_are_told_apart() -> None:
    def two(files: dict[str, Any]) -> None:
        other = {**row(files), "path": "pads τ1 = 0.2", "vendi": 9.0, "intervals": {"vendi": [8.0, 10.0]}}
        files[EVALUATE]["rows"].append(other)

    found = compared(two, two)
    assert [one.base for one in found.metrics if one.metric == "vendi"] == [2.0, 2.0, 9.0]
    assert {one.group for one in found.metrics if one.base == 9.0} == {"tal_dit · pads τ1 = 0.2"}


def test_a_comparison_at_matched_alignment_says_if_the_target_moved() -> None:
    def with_matched(target: float, low: float) -> Edit:
        difference = {
            "system": "tal_dit",
            "method": "pads",
            "path": "pads",
            "metric": "vendi",
            "difference": low + 0.1,
            "interval": [low, low + 0.2],
        }
        return lambda files: files[EVALUATE].update(matched={"clap_f": target, "differences": [difference]})

    [delta] = compared(with_matched(0.3, 2.0), with_matched(0.2, 1.0)).matched
    assert (delta.verdict, delta.note) == ("better", "matched at CLAP-f 0.2 → 0.3")


def test_a_side_without_metrics_is_named_and_the_rest_is_compared() -> None:
    def edit(files: dict[str, Any]) -> None:
        for name in [name for name in files if name.startswith("reports/")]:
            del files[name]
        files["params.yaml"]["scales"]["demo"]["ingest"]["seed"] = 2

    found = compared(before=edit)
    assert "base has no metrics at scale demo: its figures are missing below." in found.notes
    assert metric(found, "vendi").base is None
    assert metric(found, "vendi").verdict == "open"
    assert [(change.key, change.base, change.head) for change in found.params] == [("ingest.seed", "2", "1")]
    assert {licence.note for licence in found.licences} == {""}, "nothing is new where nothing is known"


def test_a_new_licence_comes_first_and_says_what_it_asks_for() -> None:
    def edit(files: dict[str, Any]) -> None:
        files[INGEST]["licences"] = {"CC-BY-4.0": 50, "CC-BY-3.0": 40, "CC-BY-NC-4.0": 1, "ask the label": 1}

    found = compared(edit).licences
    assert [licence.name for licence in found] == ["CC-BY-NC-4.0", "ask the label", "CC-BY-3.0", "CC0-1.0", "CC-BY-4.0"]
    assert found[0].note == "new, and asks for what no licence asked before: no commercial use"
    assert found[1].note.startswith("new, and the first whose terms are not known")
    assert found[2].note == "new; asks for nothing that was not asked before"
    assert (found[3].note, found[3].base, found[3].head) == ("gone", 1, 0)


def test_data_captions_and_quarantine_are_counted() -> None:
    def edit(files: dict[str, Any]) -> None:
        files[INGEST].update(files=12, quarantined={"duplicate": 2, "unreadable": 1})
        files["reports/demo/metrics/caption.json"]["share"] = {"kept": 1.0}

    found = compared(edit)
    assert [(one.name, one.base, one.head) for one in found.data if one.base != one.head] == [
        ("ingest: files", 10, 12),
        ("ingest: quarantined, unreadable", 0, 1),
        ("caption: share, kept", 0.5, 1.0),
        ("caption: share, fused", 0.5, 0),
    ]


def test_params_of_the_compared_scale_are_flat() -> None:
    def edit(files: dict[str, Any]) -> None:
        files["params.yaml"]["scales"]["demo"]["ingest"].update(new=[1, 2.5, True, None])
        files["params.yaml"]["scales"]["study"]["ingest"].update(seed=5, more=1)

    found = compared(edit)
    assert [(change.key, change.base, change.head) for change in found.params] == [
        ("ingest.new", None, "[1, 2.5, true, null]")
    ]


def test_a_stage_says_why_it_ran_again_and_what_is_stale() -> None:
    def edit(files: dict[str, Any]) -> None:
        stage = files["dvc.lock"]["stages"]["ingest"]
        stage["deps"][0]["md5"] = "e" * 32 + ".dir"
        stage["outs"][0]["md5"] = "f" * 32 + ".dir"
        stage["params"]["params.yaml"]["scales.demo.ingest"]["seed"] = 3
        files["dvc.lock"]["stages"]["score"] = {"cmd": "score"}

    found = compared(edit)
    assert [(one.stage, one.kind) for one in found.stages] == [("ingest", "changed"), ("score", "new")]
    assert found.stages[0].because == ("code: src/padstal/ingest", "param: scales.demo.ingest.seed")
    assert found.stages[0].outputs == ("data/demo/ingest",)
    assert found.stale == ("ingest",)


def test_a_float_as_dvc_writes_it_is_the_float_of_params() -> None:
    def edit(files: dict[str, Any]) -> None:
        files["params.yaml"]["scales"]["demo"]["ingest"]["rate"] = 1.0e-05
        files["dvc.lock"]["stages"]["ingest"]["params"]["params.yaml"]["scales.demo.ingest"]["rate"] = "1e-05"

    assert compared(edit, edit).stale == ()


def test_figures_without_intervals_are_never_called_better() -> None:
    def edit(files: dict[str, Any]) -> None:
        files[EVALUATE]["foundation"]["tagger_genre"]["value"] = 0.9

    [check] = [one for one in compared(edit).checks if one.verdict != "unchanged"]
    assert (check.metric, check.better, check.verdict) == ("tagger_genre", "", "open")


def test_another_active_scale_is_said() -> None:
    found = compared(before=lambda files: files["params.yaml"].update(scale="study"))
    assert "base has scale study active; it is compared at demo." in found.notes


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("params.yaml", b"a: [1"),
        ("params.yaml", b"- 1"),
        ("params.yaml", b"\xff\xfe"),
        ("dvc.lock", b"stages: 3"),
        ("dvc.lock", b"stages: {ingest: {outs: 7, deps: [1, {path: 3}], params: [2]}}"),
        (EVALUATE, b"[" * 100_000),
        (EVALUATE, b"nonsense"),
        (EVALUATE, b'{"rows": 3, "matched": [], "truth": "x", "design": 1, "latent_space": {"spaces": {}}}'),
        (EVALUATE, b'{"rows": [{"system": 1, "vendi": 1e999, "intervals": {"vendi": [NaN, 1]}}, 4, null]}'),
        (EVALUATE, b'{"rows": [{"model": "m", "vendi": 2, "intervals": [1, 2]}]}'),
        (INGEST, b'{"licences": [1], "quarantined": "x", "files": "many", "clips_by_split": {"a": "b"}}'),
    ],
)
def test_a_broken_file_of_one_side_stops_nothing(path: str, content: bytes) -> None:
    files = tree()
    files[path] = content
    for base, head in ((side(tree()), side(files)), (side(files), side(tree()))):
        assert compare(base, head, "demo").scale == "demo"
