"""The training loop, on a denoiser and on an autoencoder with its discriminator."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from safetensors.torch import load_file

if TYPE_CHECKING:
    from padstal.training.loop import Trained

pytestmark = pytest.mark.slow  # imports lightning

KINDS = ["diffusion", "codecs"]
ROWS = {"diffusion": [8, 16, 24], "codecs": [3, 6, 9, 12, 14]}


class KilledError(RuntimeError):
    pass


def run(kind: str, state: Path, **options: Any) -> "Trained":
    from tests.training.together import run as run_together

    return run_together(kind, state, **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> "Trained":
    """The denoiser's training, not ended by anything."""
    return run("diffusion", tmp_path_factory.mktemp("whole") / "state")


def die_at(step: int) -> Callable[[int], None]:
    def check(now: int) -> None:
        if now == step:
            raise KilledError

    return check


def assert_equal(one: "Trained", two: "Trained") -> None:
    theirs = two.average.state_dict()
    assert all(torch.equal(weight, theirs[name]) for name, weight in one.average.state_dict().items())


def poisoned(at: int) -> Callable[[Any], None]:
    """The loss of step `at` is not a number."""

    def change(task: Any) -> None:
        step = task.step

        def broken(batch: Any, shard: Any) -> Any:
            move = step(batch, shard)
            return replace(move, loss=move.loss * torch.nan) if batch.step == at else move

        task.step = broken

    return change


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_resumes_to_the_same_weights_curves_and_kept_weights(
    tmp_path: Path, kind: str, accumulate: int
) -> None:
    from padstal.training.checkpoint import checkpoints
    from padstal.training.loop import KEPT

    options = {"accumulate": accumulate, "keep_every": 3}
    whole = run(kind, tmp_path / "whole", **options)
    with pytest.raises(KilledError):
        run(kind, tmp_path / "killed", before_step=die_at(11), **options)
    assert len(checkpoints(tmp_path / "killed")) == 2
    resumed = run(kind, tmp_path / "killed", **options)
    assert_equal(whole, resumed)
    assert whole.curves == resumed.curves
    assert [row["step"] for row in whole.curves] == ROWS[kind]
    kept = [sorted((tmp_path / name / KEPT).iterdir()) for name in ("whole", "killed")]
    assert len(kept[0]) == (ROWS[kind][-1] - 1) // 3
    assert [file.read_bytes() for file in kept[0]] == [file.read_bytes() for file in kept[1]]


@pytest.mark.parametrize("damaged", [1, 2], ids=["last", "both"])
def test_a_damaged_checkpoint_is_set_aside_and_the_training_ends_the_same(
    tmp_path: Path, whole: "Trained", damaged: int, caplog: pytest.LogCaptureFixture
) -> None:
    from padstal.training.checkpoint import checkpoints

    with pytest.raises(KilledError):
        run("diffusion", tmp_path / "killed", before_step=die_at(11))
    for path in checkpoints(tmp_path / "killed")[-damaged:]:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    steps: list[int] = []
    resumed = run("diffusion", tmp_path / "killed", before_step=steps.append)
    assert_equal(whole, resumed)
    assert caplog.text.count(".damaged: damaged, the training goes on from one before, or anew") == damaged
    assert (steps[0] == 0) == (damaged == 2)


@pytest.mark.parametrize("kind", ["another program's", "of other keys", "no archive", "folder", "link"])
def test_what_is_no_checkpoint_is_passed_over_for_the_one_before(tmp_path: Path, kind: str) -> None:
    from padstal.core.data.content import sha256_file
    from padstal.training.checkpoint import Checkpoint, Curves

    Checkpoint(3, {}, {}, {}, Curves()).write(tmp_path)
    found = tmp_path / "found"
    match kind:
        case "folder":
            found.mkdir()
        case "link":
            found.symlink_to(tmp_path / "nowhere")
        case "no archive":
            found.write_bytes(b"text")
        case _:
            torch.save(Path() if kind == "another program's" else {"step": 9}, found)
    digest = sha256_file(found) if found.is_file() else "0" * 64
    found.rename(tmp_path / f"00000009-{digest}.ckpt")
    for step in range(3, 6):
        again = Checkpoint.read(tmp_path, torch.device("cpu"))
        assert again is not None
        assert again.step == step
        replace(again, step=step + 1).write(tmp_path)
    aside = [path.name for path in tmp_path.glob("*.damaged")]
    assert aside == ([] if kind == "folder" else [f"00000009-{digest}.damaged"])


def test_kept_weights_are_the_average_of_that_step_in_the_form_of_the_model(tmp_path: Path) -> None:
    from padstal.training.loop import KEPT

    whole = run("diffusion", tmp_path / "whole", keep_every=12)
    kept = load_file(tmp_path / "whole" / KEPT / "12.safetensors")
    assert kept.keys() == whole.average.state_dict().keys()
    found: list[dict[str, torch.Tensor]] = []
    run("diffusion", tmp_path / "again", change=lambda task: record(task, found), log_every=12, validate_every=12)
    assert all(torch.equal(weight, kept[name]) for name, weight in found[0].items())
    assert not all(torch.equal(weight, kept[name]) for name, weight in whole.average.state_dict().items())


def record(task: Any, found: list[dict[str, torch.Tensor]]) -> None:
    """Note the average as it is at each validation."""
    validate = task.validate

    def noted(average: Any) -> dict[str, float]:
        found.append({name: weight.clone() for name, weight in average.state_dict().items()})
        result: dict[str, float] = validate(average)
        return result

    task.validate = noted


@pytest.mark.parametrize("k", [2, 3, 6])
def test_accumulated_micro_batches_train_as_the_whole_batch(tmp_path: Path, whole: "Trained", k: int) -> None:
    parts = run("diffusion", tmp_path / "state", accumulate=k)
    weights = parts.average.state_dict()
    for name, weight in whole.average.state_dict().items():
        torch.testing.assert_close(weights[name], weight, atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")
    for one, other in zip(whole.curves, parts.curves, strict=True):
        assert one == pytest.approx(other, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_is_not_finite_stops_the_run_and_its_clips_are_named(tmp_path: Path, kind: str) -> None:
    from padstal.training.loop import FAILURE

    with pytest.raises(
        FloatingPointError, match=r"loss = nan.* at step 5 \(clips clip\d+, .*failure\.json.*rate"
    ) as at:
        run(kind, tmp_path / "state", change=poisoned(5))
    failure = json.loads((tmp_path / "state" / FAILURE).read_text())
    assert failure["step"] == 5
    assert failure["terms"]["loss"] == "nan"
    assert all(clip in str(at.value) for clip in failure["clip_ids"][:4])
    assert len(failure["clip_ids"]) == {"diffusion": 6, "codecs": 4}[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_gradient_that_is_not_finite_leaves_the_weights_alone(tmp_path: Path, kind: str) -> None:
    tasks = []

    def change(task: Any) -> None:
        module = task.networks[task.averaged].module
        weight = next(module.parameters())
        weight.register_hook(lambda gradient: gradient * torch.inf)
        tasks.append((module, {name: one.clone() for name, one in module.state_dict().items()}))

    with pytest.raises(FloatingPointError, match="gradient_norm = "):
        run(kind, tmp_path / "state", change=change)
    [(module, before)] = tasks
    assert all(torch.equal(one, before[name]) for name, one in module.state_dict().items())


def test_a_batch_that_cannot_be_divided_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="batch = 6 must be a multiple of accumulate = 4"):
        run("diffusion", tmp_path / "state", accumulate=4)


def test_the_result_is_the_average_and_the_rate_falls(tmp_path: Path) -> None:
    from padstal.training.checkpoint import checkpoints

    trained = run("diffusion", tmp_path / "state")
    assert trained.curves[-1]["learning_rate"] < trained.curves[0]["learning_rate"]
    checkpoint = torch.load(checkpoints(tmp_path / "state")[-1], weights_only=True)
    assert checkpoint["step"] == 20
    last, average = checkpoint["networks"]["denoiser"], checkpoint["average"]
    assert not all(torch.equal(last[name], average[name]) for name in last)


@pytest.mark.parametrize(
    ("kind", "parts"), [("diffusion", {"Block"}), ("codecs", {"TransformerEncoderLayer", "ParametrizedConv2d"})]
)
def test_compiled_blocks_train_as_plain_ones(
    kind: str, parts: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced, forward and backward, but not made into machine code, which takes minutes here."""
    seen: list[str] = []
    compile_ = torch.nn.Module.compile

    def traced(module: torch.nn.Module, **how: Any) -> None:
        seen.append(type(module).__name__)
        compile_(module, backend="aot_eager", fullgraph=True, **how)

    monkeypatch.setattr(torch.nn.Module, "compile", traced)
    plain, compiled = (
        run(kind, tmp_path / str(how) / "state", compiled=how, steps=9, validate_every=9, log_every=3)
        for how in (False, True)
    )
    assert set(seen) == parts
    weights = compiled.average.state_dict()
    assert weights.keys() == plain.average.state_dict().keys()
    for name, weight in plain.average.state_dict().items():
        torch.testing.assert_close(weights[name], weight, atol=1e-5, rtol=1e-4, msg=lambda m, n=name: f"{n}: {m}")
    assert compiled.curves[-1] == pytest.approx(plain.curves[-1], rel=1e-4, abs=1e-5)
