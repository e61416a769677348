"""Weights in the DVC remote: really there, really whole, and out again without a cache."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.operations.promotion.world import BETTER, FOLDERS, GOOD, World

from padstal.core.dvc_objects import content_of, key_of
from padstal.core.revisions import Tree, open_tree
from padstal.operations.integrity.remotes import Store
from padstal.operations.promotion import objects, register

WEIGHTS = "models/demo/diffusion/tal_dit"


def head(world: World) -> Tree:
    return open_tree(world.root, "HEAD")


def stored(world: World, md5: str) -> Path:
    return world.store / "files" / "md5" / md5[:2] / md5[2:]


def object_of(world: World, path: str, name: str) -> Path:
    """A file's object in the DVC remote."""
    md5 = objects.outs_of(head(world), [path])[path]
    listing = json.loads(stored(world, md5).read_text())
    return stored(world, next(one["md5"] for one in listing if one["relpath"] == name))


def damage(file: Path, content: bytes) -> None:
    file.chmod(0o644)
    file.write_bytes(content)


def test_what_generation_and_judging_need_is_named(world: World) -> None:
    assert set(objects.needed(head(world), "demo", "tal_dit")) == set(FOLDERS)
    with pytest.raises(ValueError, match=r"params.yaml of HEAD has no systems.other; it has audio_dit, tal_dit"):
        objects.needed(head(world), "demo", "other")


def test_all_objects_are_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def seen(store: Store, key: str, own: Callable[[Store, str], str] = Store.md5) -> str:
        read.append(key)
        return own(store, key)

    monkeypatch.setattr(Store, "md5", seen)
    outs = objects.outs_of(head(world), FOLDERS)
    objects.check_remote(world.root, outs)
    files = [content_of(file).md5 for folder in FOLDERS for file in (world.root / folder).iterdir()]
    assert set(read) == {key_of(oid) for oid in (*outs.values(), *files)}


@pytest.mark.parametrize("harm", ["missing", "cut", "flipped", "no listing"])
def test_a_missing_or_damaged_object_is_found_although_dvc_takes_it_for_present(world: World, harm: str) -> None:
    file = object_of(world, WEIGHTS, "model.safetensors")
    content = file.read_bytes()
    outs = objects.outs_of(head(world), FOLDERS)
    if harm == "missing":
        file.unlink()
    elif harm == "no listing":
        stored(world, outs[WEIGHTS]).unlink()
    else:
        damage(file, content[:-1] if harm == "cut" else content[:-1] + b"?")
    with pytest.raises(ValueError, match=f"does not hold {WEIGHTS}"):
        objects.check_remote(world.root, outs)


def test_an_output_that_the_lock_does_not_name_is_an_error(world: World) -> None:
    with pytest.raises(ValueError, match="does not name models/demo/vae/other"):
        objects.outs_of(head(world), ["models/demo/vae/other"])


def test_a_revision_comes_back_with_an_empty_cache(world: World, tmp_path: Path) -> None:
    clone = world.clone("other")
    outs = objects.outs_of(head(clone), FOLDERS)
    objects.materialise(clone.root, head(clone), outs, tmp_path / "home", code=True)
    for folder in FOLDERS:
        for file in (world.root / folder).iterdir():
            assert (tmp_path / "home" / folder / file.name).read_bytes() == file.read_bytes()
    assert (tmp_path / "home" / "src" / "code.py").read_text() == "answer = 42\n"
    assert (tmp_path / "home" / "params.yaml").is_file()


def test_an_object_that_is_nowhere_is_named(world: World, tmp_path: Path) -> None:
    object_of(world, WEIGHTS, "model.safetensors").unlink()
    clone = world.clone("other")
    outs = objects.outs_of(head(clone), [WEIGHTS])
    with pytest.raises(ValueError, match=WEIGHTS):
        objects.materialise(clone.root, head(clone), outs, tmp_path / "home", code=False)


@pytest.mark.slow
def test_dvc_gets_an_artifact_by_version_and_by_stage_also_after_a_rollback(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {}
    for number, (version, recipe) in enumerate((("v1.0.0", GOOD), ("v1.1.0", BETTER)), 1):
        commit = world.train(recipe)
        contents[version] = (world.root / WEIGHTS / "model.safetensors").read_bytes()
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"2030-01-0{number}T00:00:00Z")
        pushed(world, version, number, commit)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2030-01-03T00:00:00Z")
    pushed(world, None, 3, world.git("rev-parse", "tal-dit@v1.0.0^{commit}"))
    clone = world.clone("other")
    for number, (how, version) in enumerate(
        ((["--rev", "v1.1.0"], "v1.1.0"), (["--rev", "v1.0.0"], "v1.0.0"), (["--stage", "champion"], "v1.0.0"))
    ):
        out = tmp_path / f"got{number}"
        command = [sys.executable, "-m", "dvc", "artifacts", "get", ".", "tal-dit", *how, "-o", str(out)]
        done = subprocess.run(command, cwd=clone.root, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert (out / "model.safetensors").read_bytes() == contents[version]


def pushed(world: World, version: str | None, number: int, commit: str) -> None:
    """A version (or none) and an assignment, on the origin."""
    names = [register.tag_of_version("tal-dit", version)] if version else []
    names.append(register.tag_of_assignment("tal-dit", number))
    register.push(world.root, names, commit, "a test", {})
