import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.operations.promotion.world import World, make_world, quiet


@pytest.fixture(scope="session")
def first_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Made once; tests work on copies."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("world")
        quiet(patch, folder)
        yield make_world(folder)


@pytest.fixture
def world(first_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world of the test's own."""
    quiet(monkeypatch, tmp_path)
    folder = tmp_path / "world"
    shutil.copytree(first_world.root.parent, folder, symlinks=True)
    made = World(folder / "repo", folder / "origin.git", folder / "store")
    made.git("remote", "set-url", "origin", str(made.origin))
    config = made.root / ".dvc" / "config"
    config.write_text(config.read_text().replace(str(first_world.store), str(made.store)))
    made.git("commit", "-qam", "Move the store")
    made.git("push", "-q", "origin", "main")
    monkeypatch.chdir(made.root)
    return made
