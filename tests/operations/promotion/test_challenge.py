"""Champion and challenger on the same frozen prompts, with tones for music."""

from pathlib import Path

import pytest
from tests.operations.promotion.world import ASTRAY, BETTER, GOOD, World, quiet

from padstal.core.data.leftovers import leftovers
from padstal.core.data.manifest import read_table, write_table
from padstal.core.paths import Paths
from padstal.operations.promotion import decision as decisions
from padstal.operations.promotion import frozen

pytestmark = pytest.mark.slow
Itself = tuple[World, decisions.Decision, Path]


def test_the_first_challenger_is_judged_by_floors_alone(world: World, tmp_path: Path) -> None:
    made = world.challenge(tmp_path / "decision.json")
    assert made.champion is None
    assert made.verdict.promote, made.verdict.summary
    assert {check.kind for check in made.verdict.checks} == {
        "prompts", "floor", "measured", "licence", "gate", "drift",
    }  # fmt: skip
    assert set(made.evidence.metrics) == set(made.thresholds.margins)


def test_music_that_heeds_no_prompt_is_below_the_floor(world: World, tmp_path: Path) -> None:
    world.train({**GOOD, "stray": 1.0})
    made = world.challenge(tmp_path / "decision.json")
    [failed] = [check for check in made.verdict.checks if not check.passed]
    assert (failed.kind, failed.name) == ("floor", "clap_f_above_chance")


def test_a_champion_comes_back_from_the_remote_and_a_more_diverse_challenger_wins(world: World, tmp_path: Path) -> None:
    base = world.git("rev-parse", "HEAD")
    world.train(BETTER)
    made = world.challenge(tmp_path / "decision.json", base)
    assert made.champion is not None
    assert made.champion.commit == base
    assert made.champion.outs["models/demo/diffusion/tal_dit"] != made.challenger.outs["models/demo/diffusion/tal_dit"]
    assert made.verdict.promote, made.verdict.summary
    gain = made.evidence.metrics["vendi"].gain
    assert gain is not None
    assert gain.interval[0] > 0


def test_a_challenger_that_goes_astray_is_refused_and_the_text_says_why(world: World, tmp_path: Path) -> None:
    from padstal.operations.promotion.explain import markdown

    world.train(ASTRAY)
    made = world.challenge(tmp_path / "decision.json", "main")
    assert not made.verdict.promote
    text = markdown(made)
    assert "# tal-dit at demo scale: do not promote" in text
    assert "clap_f is worse beyond doubt and margin" in text.replace("\\", "")


@pytest.fixture(scope="module")
def against_itself(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> Itself:
    """A world whose workspace challenges its own commit, and the decision; nobody changes them."""
    folder = tmp_path_factory.mktemp("itself")
    with pytest.MonkeyPatch.context() as patch:
        quiet(patch, folder)
        world = first_world.copy(folder / "world")
        return world, world.challenge(folder / "decision.json", "main"), folder / "decision.json"


def test_the_same_weights_are_refused_as_not_better(against_itself: Itself) -> None:
    _, made, _ = against_itself
    [failed] = [check for check in made.verdict.checks if not check.passed]
    assert failed.kind == "better"
    assert all(one.gain and one.gain.value == 0 for one in made.evidence.metrics.values())


def test_a_decision_is_read_back_as_it_was_taken(against_itself: Itself) -> None:
    _, made, file = against_itself
    assert decisions.read(file)[0] == made


def test_two_challenges_of_one_state_take_the_same_decision(
    against_itself: Itself, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet(monkeypatch, tmp_path)
    world, _, file = against_itself
    world.challenge(tmp_path / "two.json", "main")
    assert (tmp_path / "two.json").read_bytes() == file.read_bytes()


def test_a_decision_whose_verdict_was_edited_is_refused(against_itself: Itself, tmp_path: Path) -> None:
    _, _, file = against_itself
    edited = tmp_path / "decision.json"
    edited.write_text(file.read_text().replace('"promote": false', '"promote": true'))
    with pytest.raises(ValueError, match="does not follow from its own evidence"):
        decisions.read(edited)


def test_its_folder_names_the_process_that_made_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(file: Path, *_: object) -> None:
        [found] = leftovers(world.root)
        assert found.path == file.parent
        assert not found.dead
        raise KeyboardInterrupt

    monkeypatch.setattr(frozen, "write", stop)
    with pytest.raises(KeyboardInterrupt):
        world.challenge(tmp_path / "decision.json")


def test_weights_that_are_not_those_of_the_lock_are_refused(world: World, tmp_path: Path) -> None:
    file = world.root / "models/demo/vae/tal/model.safetensors"
    file.unlink()
    file.write_text("others")
    with pytest.raises(ValueError, match=r"models/demo/vae/tal is not what dvc.lock says"):
        world.challenge(tmp_path / "decision.json")


def test_a_champion_of_another_scale_does_not_compare(world: World, tmp_path: Path) -> None:
    text = (world.root / "params.yaml").read_text()
    (world.root / "params.yaml").write_text(text.replace("scale: demo", "scale: study", 1))
    world.git("commit", "-qam", "Study")
    (world.root / "params.yaml").write_text(text)
    with pytest.raises(ValueError, match="of scale study, the challenger of demo"):
        world.challenge(tmp_path / "decision.json", "HEAD")


def test_a_licence_that_asks_for_more_needs_to_be_named(world: World, tmp_path: Path) -> None:
    base = world.git("rev-parse", "HEAD")
    metrics = world.root / "reports/demo/metrics/validate_ingest.json"
    metrics.write_text(metrics.read_text().replace('"CC-BY-4.0": 62', '"CC-BY-4.0": 60, "CC-BY-SA-4.0": 2'))
    world.train(BETTER)
    made = world.challenge(tmp_path / "decision.json", base)
    [failed] = [check for check in made.verdict.checks if not check.passed]
    assert "CC-BY-SA-4.0" in failed.reason
    world.params(accepted_licences=["CC-BY-SA-4.0"])
    assert world.challenge(tmp_path / "decision.json", base).verdict.promote


def test_a_prompt_whose_clip_is_held_out_no_more_is_not_played(world: World, tmp_path: Path) -> None:
    file = Paths(world.root, "demo").curate / "dataset.parquet"
    table, known = read_table(file), frozen.read(world.root / "data/demo/frozen_prompts.json")[0]
    erased = known.prompts[0].clip_id
    write_table(table[table["clip_id"] != erased], file)
    made = world.challenge(tmp_path / "decision.json")
    assert made.evidence.prompts == len(known.prompts) - 1
    write_table(table[table["split"] != "test"], file)
    with pytest.raises(ValueError, match="the test split has none of their clips any more"):
        world.challenge(tmp_path / "decision.json")


def test_drifted_data_are_refused(world: World, tmp_path: Path) -> None:
    metrics = world.root / "reports/demo/metrics/validate_curate.json"
    metrics.write_text(metrics.read_text().replace('"features_drifted": 0', '"features_drifted": 2'))
    made = world.challenge(tmp_path / "decision.json")
    [failed] = [check for check in made.verdict.checks if not check.passed]
    assert (failed.kind, failed.name) == ("drift", "curate")
