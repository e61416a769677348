"""`dvc.lock` as lineage: stages in order, inputs resolved to the outputs they are, figures and code beside."""

from pathlib import Path

import pytest

from padstal.core.dvc_lock import LockedPath, LockError
from padstal.operations.tracking.artefact import aliases_of, collection_of, kind_of, place_of, scale_of
from padstal.operations.tracking.stage_artefacts import StageArtefacts, sources, stage_artefacts

ROOT = Path(__file__).resolve().parents[3]
AA, BB, CC, DD, EE, FF = (digit * 32 for digit in "abcdef")
LOCK = f"""\
schema: '2.0'
stages:
  sample:
    cmd: sample
    deps:
    - {{path: models/demo/vae, md5: {AA}.dir, size: 2, nfiles: 2}}
    - {{path: src/x.py, md5: {BB}, size: 1}}
    outs: [{{path: data/demo/samples, md5: {CC}.dir, size: 1, nfiles: 1}}]
  train@tal:
    cmd: train
    deps: [{{path: data/demo/sources.json, md5: {DD}, size: 1}}]
    params: {{params.yaml: {{scales.demo.train.tal: {{lr: 0.1}}}}}}
    outs:
    - {{path: models/demo/vae/tal, md5: {EE}.dir, size: 1, nfiles: 1}}
    - {{path: reports/demo/metrics/train_tal.json, md5: {FF}, size: 1}}
"""


def _read(root: Path, text: str) -> tuple[StageArtefacts, ...]:
    (root / "dvc.lock").write_text(text)
    return stage_artefacts(root)


def test_a_folder_above_outputs_stands_for_them(tmp_path: Path) -> None:
    sample, train = _read(tmp_path, LOCK)
    assert (train.name, sample.name) == ("train@tal", "sample")
    assert [one.path for one in sample.inputs] == ["models/demo/vae/tal"]
    assert sample.inputs[0].md5 == f"{EE}.dir"
    assert sample.beside == {"src/x.py": BB}
    assert train.beside == {"reports/demo/metrics/train_tal.json": FF}
    assert train.params == {"scales.demo.train.tal": {"lr": 0.1}}
    assert [one.path for one in sources((train, sample))] == ["data/demo/sources.json"]


def test_the_same_run_of_a_stage_has_the_same_key_and_any_change_another(tmp_path: Path) -> None:
    [_, train] = _read(tmp_path, LOCK)
    [_, again] = _read(tmp_path, LOCK.replace("{path", "{ path"))
    assert train.key == again.key
    for before, after in (("lr: 0.1", "lr: 0.2"), (EE, "1a" * 16), (DD, "1a" * 16), ("cmd: train", "cmd: other")):
        [_, other] = _read(tmp_path, LOCK.replace(before, after))
        assert other.key != train.key, before


def test_what_is_no_lock_is_said_and_none_is_no_stage(tmp_path: Path) -> None:
    assert stage_artefacts(tmp_path) == ()
    with pytest.raises(LockError, match=r"dvc.lock: .*schema.*; `padstal fsck --repair` mends it"):
        _read(tmp_path, "stages: 3")


def test_this_repositorys_own_lock_leads_from_sources_to_the_page() -> None:
    stages = stage_artefacts(ROOT)
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
    names = {collection_of(one) for stage in stages for one in stage.outputs}
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
    one = LockedPath(path, "aa.dir")
    assert (collection_of(one), kind_of(one), scale_of(one)) == (collection, kind, scale)
    assert "md5-aa" in aliases_of(one)


def test_what_lies_outside_the_repository_keeps_its_name_only(tmp_path: Path) -> None:
    assert place_of(tmp_path / "deep" / "x", tmp_path) == "deep/x"
    assert place_of(Path("/elsewhere/private/x"), tmp_path) == "x"
