"""`dvc.lock` is read whole or refused; from anywhere, what can be read of it is, and nothing in it does harm."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from padstal.core import dvc_lock
from padstal.core.dvc_lock import (
    LockedPath,
    artifact_paths,
    outs_of,
    read_lock,
    read_run,
    readable_stages,
    stages_here,
    with_uncached,
)

A, B, C = (digit * 32 for digit in "abc")
LOCK = f"""schema: '2.0'
stages:
  train@tal:
    cmd: train tal
    deps:
    - path: src
      md5: {A}.dir
      size: 3
      nfiles: 2
    - path: s3://bucket/file
      etag: "7"
    params:
      params.yaml:
        scales.demo.train.tal:
          lr: 0.1
    outs:
    - path: models/tal
      md5: {B}
      size: 7
    - path: reports/metrics.json
      md5: {C}
"""


def test_a_stage_has_its_command_paths_and_params() -> None:
    [stage] = read_lock(LOCK).values()
    assert (stage.name, stage.command) == ("train@tal", "train tal")
    assert stage.params == {"params.yaml": {"scales.demo.train.tal": {"lr": 0.1}}}
    [dep] = stage.deps
    assert (dep.path, dep.bytes, dep.files, dep.stage, dep.is_folder) == ("src", 3, 2, "", True)
    assert [(out.path, out.bytes, out.files, out.stage) for out in stage.outs] == [
        ("models/tal", 7, 1, "train@tal"),
        ("reports/metrics.json", 0, 1, "train@tal"),
    ]
    assert readable_stages(LOCK) == read_lock(LOCK)


@pytest.mark.parametrize("damaged", [0, 1])
def test_what_is_torn_in_one_stage_hides_no_other(damaged: int) -> None:
    first = LOCK.partition("stages:\n")[2]
    pieces = [first, first.replace("train@tal", "other")]
    pieces[damaged] = pieces[damaged].replace("cmd: train", "cmd: [train")
    assert list(readable_stages(dvc_lock.compose(pieces))) == [["other"], ["train@tal"]][damaged]


def test_a_stage_may_be_an_alias_of_anothers() -> None:
    lock = f"schema: '2.0'\nstages:\n  a: &same\n    cmd: x\n    outs: [{{path: p, md5: {A}}}]\n  b: *same\n"
    assert [stage.command for stage in readable_stages(lock).values()] == ["x", "x"]
    other = "  other:\n    cmd: x\n    deps: [{path: q, md5: *one}]\n"
    inner = LOCK.replace(f"md5: {A}.dir", f"md5: &one {A}.dir") + other
    assert [dep.md5 for dep in readable_stages(inner)["other"].deps] == [f"{A}.dir"]


def test_each_stages_text_is_read_once_in_a_repositorys_history(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(text: str) -> Any:
        read.append(text)
        return yaml.safe_load(text)

    monkeypatch.setattr(dvc_lock, "read_yaml", counted)
    stages = "".join(LOCK.partition("stages:\n")[2].replace("train@tal", f"stage{number}") for number in range(9))
    for commit in range(5):
        content = f"{dvc_lock.compose([stages])}  changing:\n    cmd: '{commit}'\n"
        assert len(readable_stages(content)) == 10
    assert len(read) == 9 + 5


def test_paths_are_the_same_if_path_and_content_are() -> None:
    assert LockedPath("p", A, 3, stage="x") == LockedPath("p", A)
    assert {LockedPath("p", A, 3), LockedPath("p", A)} == {LockedPath("p", A)}


def test_dvc_yaml_says_what_is_not_cached() -> None:
    pipeline = "stages: {train: {metrics: [{'reports/${name}.json': {cache: false}}]}}"
    outs = with_uncached(outs_of(read_lock(LOCK)).values(), pipeline)
    assert {out.path: out.cached for out in outs} == {"models/tal": True, "reports/metrics.json": False}


def test_the_workspaces_lock_may_be_missing_or_damaged(tmp_path: Path) -> None:
    assert stages_here(tmp_path) == {}
    (tmp_path / "dvc.lock").write_bytes(LOCK.encode()[:40])
    assert stages_here(tmp_path) == {}


def test_an_entry_of_the_run_cache_is_a_stage_without_a_name() -> None:
    run = read_run(f"cmd: x\nouts:\n- path: p\n  md5: {A}\n".encode())
    assert run is not None
    assert (run.name, run.outs) == ("", (LockedPath("p", A),))
    assert read_run(b"cmd: x\n") is None
    assert read_run(b"\xff\xfe{") is None


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{below}'] * 9)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1\n",
        "stages: 3\n",
        "stages: {x: 3}\n",
        "stages: {x: {outs: 3, deps: {a: b}, params: [1], cmd: {a: b}}}\n",
        "stages: {x: {outs: [1, {path: 3, md5: 4}, {path: p}, {path: p, md5: ../../etc}, {path: [p], md5: q}]}}\n",
        f"{BOMB}stages: {{x: {{cmd: *i, outs: [{{path: *i, md5: *i}}], params: {{*i : 1}}}}}}\n",
        f"{BOMB}stages: {{x: {{cmd: *i, deps: [{{path: *i, md5: *i}}], params: *i}}}}\n",
        "[" * sys.getrecursionlimit() * 2,
    ],
)
def test_what_is_no_entry_is_left_out_and_does_no_harm(text: str) -> None:
    for stage in readable_stages(text).values():
        assert (stage.command, stage.outs, stage.deps, stage.params) == ("", (), (), {}) or stage.command == "x"


def test_a_length_that_is_none_counts_as_unknown() -> None:
    entry = f"{{path: p, md5: {A}, size: many, nfiles: -1}}"
    [out] = readable_stages(f"stages: {{x: {{outs: [{entry}]}}}}")["x"].outs
    assert (out.bytes, out.files) == (0, 1)


def test_a_model_lies_where_dvc_yaml_says_at_the_active_scale() -> None:
    pipeline = b"artifacts: {music: {path: 'models/${scale}/vae/tal'}, broken: 3, none: {path: ''}}"
    assert artifact_paths(pipeline, b"scale: study") == {"music": "models/study/vae/tal"}
    assert artifact_paths(None, b"[") == artifact_paths(b"artifacts: [1]", None) == {}
