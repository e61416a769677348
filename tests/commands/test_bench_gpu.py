"""Every measurement of a GPU runs on a CPU with tiny networks, in its time, and its figures are what they say."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from tests.contracts.repository import ROOT

from padstal.commands import bench_gpu
from padstal.commands.bench_gpu import Figure, Findings, Goal, Options, measure
from padstal.operations.planning.codecs import codec_size
from padstal.operations.planning.machine import Device
from padstal.operations.planning.trainings import autoencoder, denoiser, step_of
from padstal.stages.params import Tree

CPU = torch.device("cpu")
PEAK = 1e12
"""Operations a second that a product is said to reach."""
QUICK = Options(gpus=8, repeats=1)


def tiny() -> Tree:
    """The demo's PADS-TAL on text-aware latents, one of each size, on clips of half a second."""
    raw: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    demo = raw["scales"]["demo"]
    demo["ingest"]["clip_seconds"] = 0.512
    vae = demo["train_vae"]["tal"]
    vae["training"] |= {"crop_frames": 8, "init_from": None}
    denoiser = demo["train_diffusion"]["tal_dit"]
    denoiser["form"]["backbone"] |= {"width": 16, "depth": 1, "heads": 2, "cross_heads": 1}
    demo["sample"] |= {"batch": 2}
    demo["sample"]["grids"]["pads_tal"]["sampler"]["steps"] = 2
    demo["encode"]["batch_clips"] = 2
    raw |= {
        "autoencoders": {"tal": {"needs": "foundation/text_encoder"}},
        "codecs": ["tal"],
        "denoisers": {"tal_dit": raw["denoisers"]["tal_dit"]},
    }
    raw["systems"] = {"tal_dit": raw["systems"]["tal_dit"]}
    return Tree.model_validate(raw)


@pytest.fixture(scope="module")
def found() -> Findings:
    with pytest.MonkeyPatch.context() as patch:  # a product's own speed is anything on a busy machine
        patch.setattr(bench_gpu, "measured", lambda: Device(PEAK / 1e12, 1.0))
        return measure(tiny(), "demo", QUICK, CPU)


@pytest.mark.slow
def test_all_trainings_encoding_and_sampling_are_measured(found: Findings) -> None:
    assert found.left_out == {}
    assert [figure.name for figure in found.figures] == [
        "sample@tal_dit: batch 2, 2 steps of CFG",
        "sample@tal_dit: PADS / CFG",
        "train_diffusion@tal_dit: step, batch 2",
        "train_diffusion@tal_dit: MFU",
        "train_diffusion@tal_dit: bfloat16 from float32",
        "encode@tal: batch 2",
        "train_vae@tal: step, batch 1",
        "train_vae@tal: MFU",
    ]
    assert all(figure.value > 0 for figure in found.figures)


@pytest.mark.slow
def test_half_precision_is_near_and_not_the_same(found: Findings) -> None:
    [parity] = [figure.value for figure in found.figures if figure.name.endswith("bfloat16 from float32")]
    assert 1e-4 < parity < 0.1


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "clips"), [("train_diffusion@tal_dit", 2), ("train_vae@tal", 1)])
def test_a_step_is_a_share_of_what_a_product_reaches(found: Findings, stage: str, clips: int) -> None:
    scale = tiny().scales["demo"]
    if stage == "train_vae@tal":
        size, task_of = autoencoder("tal", scale)
    else:
        size, task_of = denoiser("tal_dit", scale, codec_size("tal", scale))
    value = {figure.name: figure.value for figure in found.figures}
    operations = value[f"{stage}: MFU"] * PEAK * value[f"{stage}: step, batch {clips}"]
    assert operations / clips == pytest.approx(step_of(task_of, size.config, clips).operations, rel=0.01)


def test_what_would_begin_too_late_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*asked: Any) -> list[Figure]:
        return [Figure("a", 1.0, "s")]

    def too_large(*asked: Any) -> list[Figure]:
        raise torch.OutOfMemoryError

    class Slow:
        def __init__(self, *asked: Any) -> None: ...

        def measurements(self) -> list[Any]:
            return [("first", work), ("large", too_large), ("late", work)]

    monkeypatch.setattr(bench_gpu, "_Bench", Slow)
    # of the bench alone: other threads read the real one
    clock = SimpleNamespace(monotonic=iter([0.0, 1.0, 9.0, 11.0]).__next__)
    monkeypatch.setattr(bench_gpu, "time", clock)
    no_tree: Any = None
    found = measure(no_tree, "demo", Options(limit=10), CPU)
    assert [figure.name for figure in found.figures] == ["a"]
    assert found.left_out == {"large": "out of memory", "late": "would have begun after 10 s"}


def test_files_name_device_and_date_and_set_figures_beside_goals(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any
) -> None:
    figures = Figure("PADS / CFG", 1.5, "", Goal(1.02, least=False)), Figure("step", 0.25, "s")
    monkeypatch.setattr(bench_gpu, "measure", lambda *asked: Findings(figures, {"encode@tal": "out of memory"}))
    monkeypatch.setattr(bench_gpu, "torch_device", lambda params: CPU)
    assert bench_gpu.run(ROOT, "demo", Options(), tmp_path / "gpu") == 0
    told, table = sorted(tmp_path.glob("gpu/*"))
    assert table.stem == told.stem
    content = json.loads(told.read_text(encoding="utf-8"))
    assert (content["device"], content["scale"], content["figures"][1]["value"]) == ("cpu", "demo", 0.25)
    assert told.stem == f"cpu-{content['date']}"
    text = table.read_text(encoding="utf-8")
    assert "| PADS / CFG | 1.5 |  | ≤ 1.02 | NO |" in text
    assert "| step | 0.25 | s |  |  |" in text
    assert "| encode@tal | left out: out of memory |" in text
    assert capsys.readouterr().out.strip() == text.strip()


def test_a_goal_is_reached_from_its_own_side() -> None:
    assert [Goal(0.45, least=True).reached(value) for value in (0.4, 0.45, 0.5)] == [False, True, True]
    assert [Goal(1.02, least=False).reached(value) for value in (1.0, 1.02, 1.1)] == [True, True, False]
