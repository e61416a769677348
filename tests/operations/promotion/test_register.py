"""Promotions as tags, against a real bare origin: GTO's convention, all or nothing, one winner."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.operations.promotion.world import World, git

from padstal.core.git import GitError, PushRefusedError
from padstal.operations.promotion import register
from padstal.operations.promotion.promote import carried_out


def write(world: World, version: str, number: int, commit: str, **record: object) -> None:
    """A version and its assignment, pushed."""
    names = (register.tag_of_version("tal-dit", version), register.tag_of_assignment("tal-dit", number))
    register.push(world.root, names, commit, "a test", record)


def test_a_register_starts_empty(world: World) -> None:
    found = register.read(world.root, "tal-dit")
    assert found.champion is None
    assert (found.next_version, found.next_number) == ("v1.0.0", 1)
    assert found.before() is None


def test_what_is_pushed_is_read_by_another_clone_with_its_record(world: World) -> None:
    commit = world.git("rev-parse", "HEAD")
    write(world, "v1.0.0", 1, commit, decision="abc", metrics={"vendi": {"value": 1.5}})
    found = register.read(world.clone("other").root, "tal-dit")
    assert found.champion is not None
    assert (found.champion.version, found.champion.commit) == ("v1.0.0", commit)
    assert found.champion.record["metrics"] == {"vendi": {"value": 1.5}}
    assert (found.next_version, found.next_number) == ("v1.1.0", 2)
    assert carried_out(found, "abc") is not None
    assert carried_out(found, "abd") is None
    assert found.assignments[0].who == "tester"


@pytest.mark.slow
def test_gto_reads_our_tags(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    write(world, "v1.0.0", 1, world.git("rev-parse", "HEAD"))
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2030-01-01T00:00:00Z")  # GTO goes by seconds
    world.git("commit", "-q", "--allow-empty", "-m", "Next")
    write(world, "v1.10.0", 2, world.git("rev-parse", "HEAD"))
    command = [sys.executable, "-m", "gto.cli", "show", "tal-dit#champion", "--version", "--repo", str(world.root)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert shown.stdout.strip() == "v1.10.0"


@pytest.mark.slow
def test_versions_are_ordered_by_number_and_other_models_and_tags_are_left_alone(world: World) -> None:
    first = world.git("rev-parse", "HEAD")
    write(world, "v1.9.0", 1, first)
    world.git("commit", "-q", "--allow-empty", "-m", "Next")
    second = world.git("rev-parse", "HEAD")
    write(world, "v1.10.0", 2, second)
    for name in ("audio-dit@v3.0.0", "tal-dit@nonsense", "tal-dit#staging#7", "v2.0.0"):
        world.git("tag", "-a", name, "-m", "by hand")
        world.git("push", "-q", "origin", name)
    found = register.read(world.root, "tal-dit")
    assert [one.version for one in found.versions] == ["v1.9.0", "v1.10.0"]
    assert (found.next_version, found.next_number) == ("v1.11.0", 8)
    before = found.before()
    assert before is not None
    assert before.version == "v1.9.0"


def test_a_tag_that_is_only_local_is_no_promotion(world: World) -> None:
    world.git("tag", "-a", "tal-dit@v9.0.0", "-m", "mine")
    world.git("tag", "-a", "tal-dit#champion#9", "-m", "mine")
    assert register.read(world.root, "tal-dit").champion is None


def test_a_local_tag_that_differs_gives_way_to_the_remotes(world: World) -> None:
    write(world, "v1.0.0", 1, world.git("rev-parse", "HEAD"), decision="theirs")
    other = world.clone("other")
    other.git("tag", "-f", "-a", "tal-dit#champion#1", "-m", "mine")
    assert carried_out(register.read(other.root, "tal-dit"), "theirs") is not None


def test_the_way_back_passes_over_rollbacks(world: World) -> None:
    commits = []
    for number, version in enumerate(("v1.0.0", "v1.1.0", "v1.2.0"), 1):
        world.git("commit", "-q", "--allow-empty", "-m", version)
        commits.append(world.git("rev-parse", "HEAD"))
        write(world, version, number, commits[-1])
    register.push(world.root, [register.tag_of_assignment("tal-dit", 4)], commits[1], "back", {})
    found = register.read(world.root, "tal-dit")
    before = found.before()
    assert found.champion is not None
    assert before is not None
    assert (found.champion.version, before.version) == ("v1.1.0", "v1.0.0")


def test_a_push_is_all_or_nothing(world: World) -> None:
    """The branch has gone elsewhere at the origin, so the tags do not come either."""
    other = world.clone("other")
    other.git("commit", "-q", "--allow-empty", "-m", "Theirs")
    other.git("push", "-q", "origin", "main:retrain/one")
    world.git("commit", "-q", "--allow-empty", "-m", "Ours")
    commit = world.git("rev-parse", "HEAD")
    name = register.tag_of_version("tal-dit", "v1.0.0")
    with pytest.raises(PushRefusedError):
        register.push(world.root, [name], commit, "a test", {}, "retrain/one")
    assert world.tags() == []
    assert world.git("tag", "--list") == ""


def test_of_many_that_take_the_same_number_at_once_one_wins(world: World) -> None:
    clones = [world.clone(f"clone{number}") for number in range(4)]
    commit = world.git("rev-parse", "HEAD")
    names = (register.tag_of_version("tal-dit", "v1.0.0"), register.tag_of_assignment("tal-dit", 1))
    outcomes: list[str] = []
    start = threading.Barrier(len(clones))

    def race(number: int) -> None:
        start.wait()
        try:
            register.push(clones[number].root, names, commit, "a race", {"by": number})
        except PushRefusedError:
            outcomes.append("refused")
        else:
            outcomes.append("won")

    threads = [threading.Thread(target=race, args=(number,)) for number in range(len(clones))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused"] * 3 + ["won"]
    by = {git(world.origin, "cat-file", "tag", f"refs/tags/{name}").splitlines()[-1] for name in names}
    assert len(by) == 1, "both tags are the winner's"


def test_a_remote_that_cannot_be_reached_is_named(world: World, tmp_path: Path) -> None:
    world.git("remote", "set-url", "origin", str(tmp_path / "nowhere.git"))
    with pytest.raises(GitError, match=r"nowhere\.git"):
        register.read(world.root, "tal-dit")
