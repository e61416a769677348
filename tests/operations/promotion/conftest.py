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
    made = first_world.copy(tmp_path / "world")
    monkeypatch.chdir(made.root)
    return made
