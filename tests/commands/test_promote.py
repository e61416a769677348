"""`padstal promote`, `champion`, `rollback`: real git, a real DVC remote, a GitHub on this machine."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.commands.forge import REPOSITORY, Forge, served
from tests.forked import Copy, begin
from tests.operations.promotion.test_objects import WEIGHTS, object_of
from tests.operations.promotion.world import ASTRAY, BETTER, GOOD, World, git, quiet
from typer.testing import CliRunner, Result

from padstal.cli import app
from padstal.operations.promotion import decision as decisions
from padstal.operations.promotion import register

pytestmark = pytest.mark.slow  # several runs of DVC and git each


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    with served(Forge(pulls=[])) as running:
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_API_URL", running.api)
        monkeypatch.setenv("GITHUB_TOKEN", "token-of-the-run")
        yield running


@pytest.fixture(scope="module")
def trained(first_world: World, tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    """A world with a trained first challenger and the decision to promote it, made once; tests work on copies."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        quiet(patch, folder)
        made = first_world.copy(folder / "world")
        made.train(GOOD)
        assert made.challenge(folder / "decision.json").verdict.promote
    return made, folder / "decision.json"


@pytest.fixture
def ready(world: World, trained: tuple[World, Path], tmp_path: Path) -> Path:
    """A trained first challenger in the world, and the decision to promote it."""
    shutil.rmtree(world.root.parent)
    trained[0].copy(world.root.parent)
    os.chdir(world.root)
    return Path(shutil.copy(trained[1], tmp_path))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def promote(file: Path) -> Result:
    return run("promote", "--decision", str(file))


def promoting(world: World, file: Path) -> Copy:
    """`padstal promote` in a process group of its own."""
    return begin(lambda: app(["promote", "--decision", str(file)], prog_name="padstal"), world.root)


def promoted(file: Path) -> str:
    """Promote; the version."""
    done = promote(file)
    assert done.exit_code == 0, done.output
    return done.stdout.split()[1]


def trained_better(world: World, file: Path) -> None:
    """Train a better model on another branch, and challenge."""
    world.train(BETTER, branch="retrain/two")
    world.challenge(file)


def test_a_promotion_is_two_tags_and_the_branch_on_the_origin(world: World, ready: Path) -> None:
    head = world.git("rev-parse", "HEAD")
    done = promote(ready)
    assert done.exit_code == 0, done.output
    assert "tal-dit v1.0.0 is champion now" in done.output
    assert world.tags() == ["tal-dit#champion#1", "tal-dit@v1.0.0"]
    assert git(world.origin, "rev-parse", "refs/heads/retrain/one") == head
    assert git(world.origin, "rev-parse", "refs/heads/main") != head, "main is never written to"
    message = git(world.origin, "cat-file", "tag", "tal-dit#champion#1")
    assert decisions.read(ready)[1] in message
    assert "Promote tal-dit v1.0.0 (demo scale)" in message
    assert "All 17 checks hold" in message
    assert "vendi: " in message


def test_what_a_challenge_takes_is_checked_before_anybody_trains(world: World, ready: Path) -> None:
    assert run("challenge", "--check").exit_code == 0
    assert promote(ready).exit_code == 0
    lacking = run("challenge", "--check")
    assert lacking.exit_code == 1
    for word in ("reference/ingest.json", "reference/curate.json", "tal-dit@v1.0.0", "`padstal profile`"):
        assert word in lacking.output, lacking.output
    for item in ("ingest", "curate"):
        file = world.root / "data" / "demo" / "reference" / f"{item}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text('{"features": {"loudness": {}}}')
    assert run("challenge", "--check").exit_code == 0
    (world.root / "data" / "demo" / "frozen_prompts.json").unlink()
    assert "`padstal freeze-prompts`" in run("challenge", "--check").output


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"least_prompts": 17}, ("16 prompts", "promote.least_prompts asks for 17", "--count 17 --force")),
        ({"system": "qa_mdt"}, ("promote: method.kind = pads: the grid has no such setting; it has: none",)),
        ({"method": "cads2"}, ("promote.method = cads2: expected one of none, cads, pads",)),
        ({"pull_request": "github"}, ("GITHUB_REPOSITORY and GITHUB_TOKEN is not set",)),
    ],
)
def test_what_the_gate_or_the_promotion_would_stumble_over_is_named_before_anybody_trains(
    world: World, changes: dict[str, object], told: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_REPOSITORY", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert run("challenge", "--check").exit_code == 0
    world.params(**changes)
    lacking = run("challenge", "--check")
    assert lacking.exit_code == 1
    for words in told:
        assert words in lacking.output, lacking.output


def test_run_again_it_finds_itself_done(world: World, ready: Path) -> None:
    assert promote(ready).exit_code == 0
    before = git(world.origin, "for-each-ref")
    again = promote(ready)
    assert again.exit_code == 0, again.output
    assert "tal-dit v1.0.0 is champion already" in again.output
    assert git(world.origin, "for-each-ref") == before
    other = world.clone("other")
    os.chdir(other.root)
    assert "is champion already" in promote(ready).output


def test_a_refused_challenger_is_not_promoted_and_the_reasons_are_told(world: World, tmp_path: Path) -> None:
    world.train(ASTRAY)
    file = tmp_path / "decision.json"
    world.challenge(file, "main")
    done = promote(file)
    assert done.exit_code == 0
    assert "Nothing is promoted." in done.output
    assert "## Why not" in done.output
    assert world.tags() == []


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ("dirty", "has uncommitted changes"),
        ("code", "has other code, params or weights"),
        ("thresholds", "has other thresholds than the decision"),
        ("no remote", "'origin' does not appear to be a git repository"),
        ("detached", "HEAD is on no branch"),
        ("main", "promotions do not write to main"),
        ("diverged", "atomic push failed"),
        ("not pushed", "does not hold models/demo/diffusion/tal_dit"),
    ],
)
def test_what_is_not_ready_is_refused_and_nothing_is_written(
    world: World,
    ready: Path,
    harm: str,
    message: str,
) -> None:
    file = world.root / "src" / "code.py"
    if harm == "dirty":
        file.write_text("answer = 43\n")
    elif harm == "code":
        file.write_text("answer = 43\n")
        world.git("commit", "-qam", "Other code")
    elif harm == "thresholds":
        world.params(drifted_features=3)
    elif harm == "no remote":
        world.git("remote", "remove", "origin")
    elif harm == "detached":
        world.git("switch", "-q", "--detach")
    elif harm == "main":
        world.git("switch", "-q", "-C", "main")
    elif harm == "diverged":
        other = world.clone("other")
        other.git("commit", "-q", "--allow-empty", "-m", "Theirs")
        other.git("push", "-q", "origin", "main:retrain/one")
    elif harm == "not pushed":
        object_of(world, WEIGHTS, "model.safetensors").unlink()
    done = promote(ready)
    assert done.exit_code == 1
    assert message in done.output.replace("\n", " ")
    assert "Traceback" not in done.output
    assert world.tags() == []


def test_a_decision_about_uncommitted_changes_promotes_nothing(world: World, tmp_path: Path) -> None:
    (world.root / "src" / "code.py").write_text("answer = 43\n")
    file = tmp_path / "decision.json"
    world.challenge(file)
    world.git("commit", "-qam", "Later")
    assert "commit, then challenge again" in promote(file).output


def test_a_later_commit_of_the_same_weights_and_code_may_be_promoted(world: World, ready: Path) -> None:
    (world.root / "notes.md").write_text("listened to it\n")
    world.git("add", "notes.md")
    world.git("commit", "-qm", "Note")
    assert promote(ready).exit_code == 0
    assert git(world.origin, "rev-parse", "tal-dit@v1.0.0^{commit}") == world.git("rev-parse", "HEAD")


def test_what_main_holds_already_needs_no_branch(world: World, tmp_path: Path, forge: Forge) -> None:
    world.params(pull_request="github")
    world.commit("Ask for pull requests")
    world.git("push", "-q", "origin", "main")
    world.challenge(tmp_path / "decision.json")
    assert promote(tmp_path / "decision.json").exit_code == 0
    assert git(world.origin, "for-each-ref", "--format=%(refname)", "refs/heads") == "refs/heads/main"
    assert forge.pulls == []


def test_a_decision_against_an_earlier_champion_is_stale(world: World, ready: Path, tmp_path: Path) -> None:
    assert promote(ready).exit_code == 0
    world.git("switch", "-q", "main")
    stale, fresh = tmp_path / "stale.json", tmp_path / "fresh.json"
    world.train(BETTER, branch="retrain/two")
    for file in (stale, fresh):
        assert world.challenge(file).verdict.promote
    fresh.write_text(fresh.read_text() + "\n")  # another decision about the same
    assert promote(stale).exit_code == 0
    done = promote(fresh)
    assert done.exit_code == 1
    assert "was taken when v1.0.0 was champion of tal-dit; now it is v1.1.0" in done.output


def test_a_pull_request_is_opened_once(world: World, ready: Path, tmp_path: Path, forge: Forge) -> None:
    world.params(pull_request="github")
    world.commit("Ask for pull requests")
    world.challenge(ready)
    assert promote(ready).exit_code == 0
    again = promote(ready)
    assert "pull request #1 was there already: retrain/one → main" in again.output
    [made] = forge.pulls
    assert (made["title"], made["head"]["ref"] if isinstance(made["head"], dict) else made["head"], made["base"]) == (
        "Promote tal-dit v1.0.0", "retrain/one", "main",
    )  # fmt: skip
    assert "# tal-dit at demo scale: promote" in made["body"]
    assert {token for _, _, token in forge.asked} == {"Bearer token-of-the-run"}


def test_if_github_is_down_the_promotion_stands_and_a_rerun_opens_the_pull_request(
    world: World,
    ready: Path,
    forge: Forge,
) -> None:
    world.params(pull_request="github")
    world.commit("Ask for pull requests")
    world.challenge(ready)
    forge.status = 502
    done = promote(ready)
    assert done.exit_code == 1
    assert "is champion, but its pull request could not be opened" in done.output
    assert len(world.tags()) == 2
    forge.status = 0
    again = promote(ready)
    assert again.exit_code == 0
    assert "pull request #1 opened" in again.output
    assert len(world.tags()) == 2


def test_without_a_token_nothing_is_promoted(world: World, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.params(pull_request="github")
    world.commit("Ask for pull requests")
    world.challenge(ready)
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    done = promote(ready)
    assert done.exit_code == 1
    assert "GITHUB_TOKEN" in done.output
    assert world.tags() == []


def test_a_rollback_without_a_champion_says_so(world: World) -> None:
    for asked in ((), ("--to", "v1.0.0")):
        done = run("rollback", *asked)
        assert done.exit_code == 1
        assert done.stderr == "padstal: tal-dit has no champion, so there is nothing to roll back\n"


def test_rollback_goes_back_one_champion_and_forward_again_by_name(world: World, ready: Path, tmp_path: Path) -> None:
    assert promoted(ready) == "v1.0.0"
    trained_better(world, tmp_path / "two.json")
    assert promoted(tmp_path / "two.json") == "v1.1.0"
    done = run("rollback", "--reason", "hums at 50 Hz")
    assert done.exit_code == 0, done.output
    assert "tal-dit v1.0.0 is champion now" in done.output
    assert world.tags() == [
        "tal-dit#champion#1", "tal-dit#champion#2", "tal-dit#champion#3", "tal-dit@v1.0.0", "tal-dit@v1.1.0",
    ]  # fmt: skip
    shown = run("champion").output
    assert "tal-dit v1.0.0 is champion" in shown
    assert "v1.0.0, rolled back from v1.1.0: hums at 50 Hz" in shown
    assert run("rollback").exit_code == 1, "there is none before the first"
    again = promote(tmp_path / "two.json")
    assert again.exit_code == 1, "a decision is carried out once"
    assert "another has followed" in again.output
    assert run("rollback", "--to", "v1.1.0").exit_code == 0
    assert "already" in run("rollback", "--to", "v1.1.0").output
    assert len(world.tags()) == 6


def test_a_version_whose_weights_are_gone_cannot_be_rolled_back_to(world: World, ready: Path, tmp_path: Path) -> None:
    promoted(ready)
    gone = object_of(world, WEIGHTS, "model.safetensors")
    trained_better(world, tmp_path / "two.json")
    promoted(tmp_path / "two.json")
    gone.unlink()
    done = run("rollback")
    assert done.exit_code == 1
    assert "does not hold models/demo/diffusion/tal_dit/model.safetensors" in done.output.replace("\n", " ")
    assert "v1.1.0 is champion" in run("champion").output


def test_champion_shows_nothing_something_and_exports_its_files(world: World, ready: Path, tmp_path: Path) -> None:
    assert "has no champion yet" in run("champion").output
    assert run("champion", "--export", str(tmp_path / "none")).exit_code == 1
    assert promote(ready).exit_code == 0
    record = json.loads(run("champion", "--json").stdout)
    assert record["champion"]["name"] == "v1.0.0"
    assert record["history"][0]["version"] == "v1.0.0"
    clone = world.clone("other")
    os.chdir(clone.root)
    target = tmp_path / "served"
    done = run("champion", "--export", str(target))
    assert done.exit_code == 0, done.output
    for path in (WEIGHTS, "models/demo/vae/tal", "models/demo/foundation/text_encoder"):
        assert (target / path / "model.safetensors").read_bytes() == (
            world.root / path / "model.safetensors"
        ).read_bytes()
    assert (target / "params.yaml").is_file()
    assert (target / "reports/demo/model_cards/tal_dit.md").is_file()
    assert "exists already" in run("champion", "--export", str(target)).output


def test_a_promotion_killed_at_any_time_and_run_again_ends_in_one(world: World, ready: Path) -> None:
    """Real SIGKILLs of the process group, later and later; every state in between is none or all."""
    killed, delay, ended = 0, 0.05, False
    while not ended:
        process = promoting(world, ready)
        time.sleep(delay)
        process.kill()
        outcome = process.outcome()
        ended = outcome.code != -signal.SIGKILL
        assert outcome.code in (0, -signal.SIGKILL), outcome.lines
        killed += not ended
        delay *= 1.4
        assert len(world.tags()) in (0, 2)
        for file in world.root.glob(".git/**/*.lock"):
            file.unlink()
    assert killed
    last = promoting(world, ready).outcome()
    assert last.code == 0, last.lines
    assert world.tags() == ["tal-dit#champion#1", "tal-dit@v1.0.0"]


def test_two_promotions_at_once_end_in_one_champion(world: World, ready: Path, tmp_path: Path) -> None:
    """Two runs in clones of their own, each with another challenger, decided against the same (no) champion."""
    other = world.clone("other")
    for folder in ("data", "models", "reports"):
        shutil.copytree(world.root / folder, other.root / folder, dirs_exist_ok=True)
    other.train(BETTER, branch="retrain/two")
    second = tmp_path / "second.json"
    assert other.challenge(second).verdict.promote
    processes = [promoting(clone, file) for clone, file in ((world, ready), (other, second))]
    outcomes = [process.outcome() for process in processes]
    said = ["\n".join(outcome.lines) for outcome in outcomes]
    assert sorted(outcome.code for outcome in outcomes) == [0, 1], said
    assert world.tags() == ["tal-dit#champion#1", "tal-dit@v1.0.0"]
    winner = [outcome.code for outcome in outcomes].index(0)
    branch = ("retrain/one", "retrain/two")[winner]
    assert git(world.origin, "rev-parse", "tal-dit@v1.0.0^{commit}") == git(world.origin, "rev-parse", branch)
    assert register.read(world.root, "tal-dit").champion is not None
    heads = git(world.origin, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    assert heads == sorted(["main", branch]), "the loser's branch was not pushed"
    assert any(text in said[1 - winner] for text in ("came first", "was taken when nobody was champion"))
