"""`dvc.lock` as lineage: stages in order, inputs resolved to the outputs they are, figures and code beside."""

from pathlib import Path

import pytest

from padstal.operations.tracking.artefact import Artefact, place_of
from padstal.operations.tracking.locked import read_lock, sources

ROOT = Path(__file__).resolve().parents[3]
LOCK = """
schema: '2.0'
stages:
  sample:
    cmd: sample
    deps:
    - {path: models/demo/vae, md5: aa.dir, size: 2, nfiles: 2}
    - {path: src/x.py, md5: bb, size: 1}
    outs: [{path: data/demo/samples, md5: cc.dir, size: 1, nfiles: 1}]
  train@tal:
    cmd: train
    deps: [{path: data/demo/sources.json, md5: dd, size: 1}]
    params: {params.yaml: {scales.demo.train.tal: {lr: 0.1}}}
    outs:
    - {path: models/demo/vae/tal, md5: ee.dir, size: 1, nfiles: 1}
    - {path: reports/demo/metrics/train_tal.json, md5: ff, size: 1}
"""


def test_a_folder_above_outputs_stands_for_them_and_makers_come_first() -> None:
    train, sample = read_lock(LOCK)
    assert (train.name, sample.name) == ("train@tal", "sample")
    assert [one.path for one in sample.inputs] == ["models/demo/vae/tal"]
    assert sample.inputs[0].md5 == "ee.dir"
    assert sample.beside == {"src/x.py": "bb"}
    assert train.beside == {"reports/demo/metrics/train_tal.json": "ff"}
    assert train.params == {"scales.demo.train.tal": {"lr": 0.1}}
    assert [one.path for one in sources((train, sample))] == ["data/demo/sources.json"]


def test_the_same_run_of_a_stage_has_the_same_key_and_any_change_another() -> None:
    [train, _] = read_lock(LOCK)
    [again, _] = read_lock("\n".join(LOCK.splitlines()))
    assert train.key == again.key
    for before, after in (("lr: 0.1", "lr: 0.2"), ("ee.dir", "00.dir"), ("dd", "00"), ("cmd: train", "cmd: other")):
        [other, _] = read_lock(LOCK.replace(before, after))
        assert other.key != train.key, before


@pytest.mark.parametrize("text", ["", "stages: 3", "stages: {x: {cmd: a, outs: [{path: p}]}}", "[:"])
def test_what_is_no_lock_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"dvc\.lock"):
        read_lock(text)


def test_this_repositorys_own_lock_leads_from_sources_to_the_page() -> None:
    stages = read_lock((ROOT / "dvc.lock").read_bytes())
    made = {one.path: stage for stage in stages for one in stage.outputs}
    page = next(path for path in made if path.endswith("/page.html"))
    above, waiting = set(), [made[page]]
    while waiting:
        for one in waiting.pop().inputs:
            if one.path not in above:
                above.add(one.path)
                waiting += [made[one.path]] if one.path in made else []
    assert any(path.endswith("/sources.json") for path in above)
    assert not [path for path in above if "/metrics/" in path]
    names = {one.collection for stage in stages for one in stage.outputs}
    assert len(names) == len(made), "two places would share a collection"


@pytest.mark.parametrize(
    ("path", "collection", "kind", "scale"),
    [
        ("models/study/vae/tal", "vae-tal", "model", "study"),
        ("data/demo/latents/audio", "latents-audio", "dataset", "demo"),
        ("reports/full/page.html", "page.html", "report", "full"),
        ("models/new scale/x", "models-new-scale-x", "model", ""),
        ("weights.bin", "weights.bin", "artefact", ""),
    ],
)
def test_a_place_has_one_collection_for_all_scales(path: str, collection: str, kind: str, scale: str) -> None:
    one = Artefact(path, "aa.dir")
    assert (one.collection, one.kind, one.scale) == (collection, kind, scale)
    assert "md5-aa" in one.aliases


def test_what_lies_outside_the_repository_keeps_its_name_only(tmp_path: Path) -> None:
    assert place_of(tmp_path / "deep" / "x", tmp_path) == "deep/x"
    assert place_of(Path("/elsewhere/private/x"), tmp_path) == "x"
