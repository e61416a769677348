"""A plan has the published sizes, the operations of the formulas, the bytes of a run, and says what would fit."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import yaml
from tests.contracts.repository import ROOT

from padstal.commands import plan as plan_command
from padstal.core.paths import Paths
from padstal.diffusion.task import attention_kernel
from padstal.ingest.listing import scan
from padstal.operations.planning.codecs import CodecSize, codec_size
from padstal.operations.planning.counting import flops, parameters
from padstal.operations.planning.fit import USABLE, Fit, Remedy, fit
from padstal.operations.planning.machine import DEVICES, MFU, Machine, machine_of
from padstal.operations.planning.music import music_of
from padstal.operations.planning.plan import Job, Plan, Row, evaluations, plan
from padstal.operations.planning.published import PUBLISHED
from padstal.operations.planning.trainings import META, Step, TrainingSize, autoencoder, denoiser, forward_of, step_of
from padstal.sampling.setting import Setting
from padstal.stages.params import Scale, Tree, load_tree
from padstal.training.config import TrainConfig
from padstal.training.memory import Fake, StepMemory, step_memory

TREE = load_tree(ROOT / "params.yaml")
FULL = TREE.scales["full"]
LATENTS = {
    "audio_dit": CodecSize(0, (64, 216), 64, 0, 0, 0),
    "tal_dit": CodecSize(0, (96, 216), 64, 0, 0, 0),
    "qa_mdt": CodecSize(0, (8, 256, 16), 8, 0, 0, 0),
    "discodiff_primary": CodecSize(0, (72, 864), 8, 0, 0, 0),
    "discodiff_secondary": CodecSize(0, (72, 864), 8, 0, 0, 0),
}


def machine(gpus: int = 1, gibibytes: float = 80.0) -> Machine:
    return Machine("h100", gpus, gibibytes, 989, MFU, 2)


def small_scale(*, depth: int = 2, crop_frames: int | None = None, **training: Any) -> Scale:
    """The demo's with a smaller transformer."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["scales"]["demo"]
    own = raw["train_diffusion"]["tal_dit"]
    own["form"]["backbone"] |= {"width": 64, "depth": depth, "heads": 2, "cross_heads": 1}
    own["crop_frames"] = crop_frames
    own["training"] = {**own["training"], **training}
    return Scale.model_validate(raw)


@pytest.mark.parametrize(("name", "millions"), [("audio", 156.1), ("tal", 210.5)])
def test_autoencoders_have_the_published_numbers(name: str, millions: float) -> None:
    size, _ = autoencoder(name, FULL)
    assert size.learned[0] / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "millions", "within"),
    [
        ("tal_dit", 1057, 0.5),
        ("qa_mdt", 675, 0.1),
        ("discodiff_primary", 1200, 5),
        ("discodiff_secondary", 1200, 5),
    ],
)
def test_denoisers_have_the_published_numbers(name: str, millions: float, within: float) -> None:
    size, _ = denoiser(name, FULL, LATENTS[name], TREE.denoisers[name].text)
    assert size.learned[0] / 1e6 == pytest.approx(millions, abs=within)


@pytest.mark.slow
def test_a_pass_of_the_transformer_has_the_operations_of_its_formula() -> None:
    """2 for each weight and token, and attention's two products; what reads texts sees their rows, not the tokens."""
    width, depth, channels, features = 1536, 24, 96, 768
    tokens, rows = 216 + 1, 128 + 2
    of_tokens = width * (3 + 1 + 1 + 1 + 8 + 4) * width  # qkv, out, q, out, gated feed-forward in and out
    of_rows = features * width  # keys and values of half the heads
    attention = 2 * tokens * (tokens + rows) * width
    formula = 2 * depth * (tokens * of_tokens + rows * of_rows + attention) + 2 * tokens * 2 * channels * width
    size, task_of = denoiser("tal_dit", FULL, LATENTS["tal_dit"])
    assert forward_of(task_of, size.config) == pytest.approx(formula, rel=0.05)


@pytest.mark.slow
def test_a_step_has_three_times_a_passs_operations_for_each_clip_whatever_the_batch() -> None:
    """And a little more: the backward pass of fused attention makes one of its products once more."""
    size, task_of = denoiser("tal_dit", small_scale(), CodecSize(0, (48, 512), 32, 0, 0, 0))
    one, four = (step_of(task_of, size.config, clips) for clips in (1, 4))
    assert 3 <= one.operations / forward_of(task_of, size.config) <= 3.6
    assert four.operations == pytest.approx(one.operations, rel=1e-9)
    assert four.memory == step_memory(lambda: task_of(size.config, 4), size.config)


def planned(tree: Tree) -> Plan:
    """Of the demo, without its steps' memory, which takes long."""

    def unrun(work: Callable[..., Any], jobs: list[Job]) -> Iterator[Fit]:
        scale = tree.scales["demo"]
        for name, of in jobs:
            size, _ = denoiser(name, scale, *of) if of else autoencoder(name, scale)
            mended: Remedy = {"runtime.strategy": "fsdp2", "accumulate": 2}
            yield Fit(size, size.config, 1e9, 2**30, {"it is large": mended} if name == "qa_mdt" else {}, 1e9)

    music = music_of(Paths(ROOT, "demo"), tree.scales["demo"].ingest, None)
    return plan(tree, "demo", music, machine(), unrun)


@pytest.fixture(scope="module")
def demo() -> Plan:
    """Of the committed run."""
    return planned(TREE)


@pytest.mark.slow
def test_disk_is_what_the_committed_run_wrote(demo: Plan) -> None:
    locked = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    wrote = {name: sum(out["size"] for out in stage["outs"]) for name, stage in locked.items()}
    wrote["ingest"] = next(out["size"] for out in locked["ingest"]["outs"] if out["path"] == "data/demo/ingest")
    large = [row for row in demo.rows if row.stage.startswith(("ingest", "train_", "encode@", "sample@"))]
    assert len(large) == 1 + 2 + 4 + 5 + 4
    for row in large:
        assert row.disk == pytest.approx(wrote[row.stage], rel=0.06), row.stage


@pytest.mark.slow
def test_a_change_names_its_param(demo: Plan) -> None:
    accumulate = "scales.demo.train_diffusion.qa_mdt.training.accumulate"
    assert [change.params for change in demo.changes] == [{"runtime.strategy": "fsdp2", accumulate: 2}]


@pytest.mark.slow
def test_every_stage_has_a_row_in_order(demo: Plan) -> None:
    stages = list(dict.fromkeys(row.stage.partition("@")[0] for row in demo.rows))
    named = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert stages == list(named)


@pytest.mark.slow
def test_the_demos_samples_are_those_that_its_run_counted(demo: Plan) -> None:
    counted = json.loads((ROOT / "reports/demo/metrics/sample_tal_dit.json").read_text(encoding="utf-8"))
    [row] = [row for row in demo.rows if row.stage == "sample@tal_dit"]
    assert row.does.startswith(f"{counted['settings']} settings × {counted['samples'] // counted['settings']} samples")


@pytest.mark.parametrize(
    ("solver", "guidance", "calls"),
    [
        ({"kind": "dpmpp_2m"}, {"kind": "cfg", "w": 7.0}, 20),
        ({"kind": "dpmpp_2m"}, {"kind": "cfg", "w": 1.0}, 10),
        ({"kind": "dpm2"}, {"kind": "cfg", "w": 7.0}, 2 * (2 * 9 + 1)),
        ({"kind": "ddim"}, {"kind": "interval", "w": 7.0, "sigma_low": 0.5, "sigma_high": 1000.0}, 10 + 4),
    ],
)
def test_a_samples_calls_are_those_of_its_solver_and_guidance(solver: Any, guidance: Any, calls: int) -> None:
    sampler = {"steps": 10, "sigma_min": 0.01, "sigma_max": 10.0}
    setting = Setting.model_validate({**sampler, "solver": solver, "guidance": guidance, "method": {"kind": "none"}})
    assert evaluations(setting) == calls


GIBIBYTE = 2**30


@pytest.mark.slow
def test_samples_of_twice_the_length_take_twice_as_much(demo: Plan) -> None:
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    raw["scales"]["demo"]["sample"]["grids"]["pads_tal"]["seconds"] = 2 * TREE.scales["demo"].ingest.clip_seconds
    longer = {row.stage: row for row in planned(Tree.model_validate(raw)).rows}
    for row in demo.rows:
        if row.stage in ("sample@audio_dit", "sample@tal_dit"):
            assert longer[row.stage].operations == pytest.approx(2 * row.operations)
            assert longer[row.stage].disk == pytest.approx(2 * row.disk, rel=0.01)  # and the same tables
        elif row.stage.startswith("sample"):
            assert longer[row.stage] == row


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Fit]:
    """`fit` of a training of 2 GiB, gradients and moments, a quarter of which is whole where they are shared out, and 4
    for each clip, or 1 where activations are made again."""

    def step(task_of: Any, config: TrainConfig, clips: int) -> Step:
        kept = clips * (1 if config.checkpoint_activations else 4) * GIBIBYTE
        operations = 4.0 if config.checkpoint_activations else 3.0
        return Step(operations, StepMemory(0, GIBIBYTE, GIBIBYTE, 0, kept, 2 * GIBIBYTE + kept))

    def fitted(gpus: int, usable: float, *, shares_weights: bool = False, **training: Any) -> Fit:
        config = dict(TREE.scales["demo"].train_diffusion)["tal_dit"].training.model_copy(update=training)
        size = TrainingSize(config, (1,), 1, GIBIBYTE // 4, False)
        on = replace(machine(gpus, usable / USABLE), shares_weights=shares_weights)
        return fit(size, lambda config, clips: None, on)

    monkeypatch.setattr("padstal.operations.planning.fit.step_of", step)
    return fitted


def test_what_fits_is_left_as_it_is(fitted: Callable[..., Fit]) -> None:
    found = fitted(1, 18.1, batch=4)
    assert (found.remedies, found.config, found.memory) == ({}, found.size.config, 18 * GIBIBYTE)


def test_a_batch_that_the_gpus_cannot_share_becomes_the_next_that_they_can(fitted: Callable[..., Fit]) -> None:
    found = fitted(3, 80, batch=16)
    assert found.remedies == {"3 GPUs × accumulate 1 cannot share a batch of 16": {"batch": 18}}
    assert found.config.batch == 18


def test_several_processes_hold_the_gradients_once_more(fitted: Callable[..., Fit]) -> None:
    assert fitted(2, 80, batch=8).memory == fitted(1, 80, batch=4).memory + GIBIBYTE


def test_a_step_that_is_too_large_is_divided_as_little_as_it_takes(fitted: Callable[..., Fit]) -> None:
    found = fitted(1, 20.0, batch=12)  # 3 clips at a time take 14, 4 take 18, 6 take 26 GiB
    [(wrong, remedy)] = found.remedies.items()
    assert wrong == "a step takes 50.0 GiB of each GPU, and may take 20.0"
    assert remedy == {"accumulate": 3}
    assert (found.config.accumulate, found.memory, found.operations) == (3, 18 * GIBIBYTE, 3.0)


def test_activations_are_made_again_where_a_single_clip_is_too_large(fitted: Callable[..., Fit]) -> None:
    found = fitted(1, 5.0, batch=12)
    assert list(found.remedies.values()) == [{"checkpoint_activations": True, "accumulate": 4}]
    assert (found.memory, found.operations) == (5 * GIBIBYTE, 4.0)
    assert list(fitted(1, 3.5, batch=1).remedies.values()) == [{"checkpoint_activations": True}]


def test_nothing_is_promised_where_nothing_is_enough(fitted: Callable[..., Fit]) -> None:
    assert list(fitted(1, 2.5, batch=4).remedies.values()) == [{}]


def test_weights_are_shared_out_where_they_alone_are_too_large(fitted: Callable[..., Fit]) -> None:
    """Of 3 GiB and 1 for each clip, a half of 2, twice the quarter that is whole and the clips' stay."""
    assert list(fitted(2, 4.0, batch=2).remedies.values()) == [{"checkpoint_activations": True}]
    found = fitted(2, 3.9, batch=8)
    mended = {"runtime.strategy": "fsdp2", "checkpoint_activations": True, "accumulate": 2}
    assert (list(found.remedies.values()), found.memory) == ([mended], 3.5 * GIBIBYTE)
    assert list(fitted(2, 2.4, batch=2).remedies.values()) == [{}]
    assert list(fitted(1, 3.9, batch=2).remedies.values()) == [{"checkpoint_activations": True, "accumulate": 2}]


def test_where_weights_are_shared_out_the_plan_counts_on_it(fitted: Callable[..., Fit]) -> None:
    found = fitted(2, 5.5, shares_weights=True, batch=2)
    assert (found.remedies, found.memory) == ({}, 5.5 * GIBIBYTE)
    assert list(fitted(2, 2.4, shares_weights=True, batch=2).remedies.values()) == [{}]


def test_what_shares_weights_has_two_blocks_whole_and_what_is_in_none() -> None:
    size, task_of = denoiser("tal_dit", small_scale(), CodecSize(0, (48, 64), 32, 0, 0, 0))
    with META:
        network: Any = task_of(size.config, 1)[0].networks["denoiser"].module
    of_blocks = [4 * parameters(block) for block in network.backbone.blocks]
    assert len(of_blocks) == 2
    assert size.gathered == 4 * size.learned[0]
    size, _ = denoiser("tal_dit", small_scale(depth=5), CodecSize(0, (48, 64), 32, 0, 0, 0))
    assert size.gathered == 4 * size.learned[0] - 3 * of_blocks[0]


def test_a_denoiser_of_crops_is_counted_on_crops() -> None:
    codec, crop = (CodecSize(0, (48, frames), 32, 0, 8.0, 4.0) for frames in (64, 16))
    (size, whole), (_, cropped) = (denoiser("tal_dit", small_scale(), one) for one in (codec, crop))
    _, own = denoiser("tal_dit", small_scale(crop_frames=16), codec)
    assert forward_of(own, size.config) == forward_of(cropped, size.config) < forward_of(whole, size.config) / 2
    assert codec.cropped(16) == replace(crop, encode=2.0, decode=1.0)
    with pytest.raises(ValueError, match="crop_frames = 65: the clips have 64 latent frames"):
        denoiser("tal_dit", small_scale(crop_frames=65), codec)


@pytest.mark.slow
def test_a_real_training_fits_as_it_is_told_to() -> None:
    def fitted(gibibytes: float, **training: Any) -> Fit:
        size, task_of = denoiser("tal_dit", small_scale(**training), CodecSize(0, (48, 64), 32, 0, 0, 0))
        return fit(size, task_of, machine(1, gibibytes))

    whole = fitted(80, batch=16)
    room = 0.6 * whole.memory
    found = fitted(room / GIBIBYTE / USABLE, batch=16)
    [remedy] = found.remedies.values()
    assert found.memory <= room < fitted(80, batch=16, accumulate=remedy["accumulate"] // 2).memory
    one, again = fitted(80, batch=1), fitted(80, batch=1, checkpoint_activations=True)
    found = fitted((one.memory + again.memory) / 2 / GIBIBYTE / USABLE, batch=1)
    assert list(found.remedies.values()) == [{"checkpoint_activations": True}]
    assert found.memory == again.memory
    assert one.operations < found.operations == again.operations


def test_hours_follow_from_the_device_and_what_is_given_wins() -> None:
    told = machine_of("h100", 4, None, None, 0.5, 2)
    assert told.seconds(4 * 989e12 * 0.5 * 3600, "convolution", told.gpus) == pytest.approx(3600)
    assert machine_of("h100", 1, 40, 100, None, 2).tflops == 100
    assert machine_of("a100", 1, None, None, None, 2).gibibytes == DEVICES["a100"].gibibytes
    with pytest.raises(ValueError, match="--device abacus: expected here or one of a10g, a100"):
        machine_of("abacus", 1, None, None, None, 2)


def folder_of(root: Path, seconds: list[float]) -> tuple[Paths, Any]:
    """A scanned folder of noise."""
    (root / "music").mkdir()
    for number, length in enumerate(seconds):
        noise = np.random.default_rng(number).uniform(-0.5, 0.5, round(length * 8000))
        soundfile.write(root / "music" / f"{number}.wav", noise, 8000)
    raw = TREE.scales["demo"].ingest.model_dump() | {"sources": ({"kind": "folder", "path": "music"},)}
    params = type(TREE.scales["demo"].ingest).model_validate(raw)
    paths = Paths(root, "demo")
    paths.sources.parent.mkdir(parents=True)
    paths.sources.write_text(json.dumps(scan(params.sources, root=root)))
    return paths, params


def test_clips_follow_from_the_scanned_files(tmp_path: Path) -> None:
    seconds = [4.6, 9.0, 30.0, 2.0]  # 1, 2 and 7 clips of 4.096 s; and too short
    assert music_of(*folder_of(tmp_path, seconds), None).clips == 1 + 2 + 7


def test_clips_are_asked_for_where_nobody_knows_them(tmp_path: Path) -> None:
    paths, params = folder_of(tmp_path, [5.0])
    shutil.rmtree(tmp_path / "music")
    with pytest.raises(ValueError, match=r"source music: none of its 1 listed files .* \(--clips\)"):
        music_of(paths, params, None)
    paths.sources.unlink()
    with pytest.raises(ValueError, match=r"say how many clips there are \(--clips\), or run `padstal scan`"):
        music_of(paths, params, None)
    assert music_of(paths, params, 12).clips == 12


def command(root: Path, *options: str) -> dict[str, Any]:
    """What `padstal plan` says on three GPUs, for which tal_dit's batch of 16 has to change."""
    program = [sys.executable, "-m", "padstal.cli", "plan", "--json", "--gpus", "3", *options]
    shown = subprocess.run(program, cwd=root, capture_output=True, text=True, check=False)
    assert shown.returncode == 1, shown.stderr
    told: dict[str, Any] = json.loads(shown.stdout)
    changed = {param: value for change in told["changes"] for param, value in change["params"].items()}
    assert changed["scales.demo.train_diffusion.tal_dit.training.batch"] == 18
    assert told["whole"]["disk"] > sum(row["disk"] for row in told["rows"])
    assert all(row["memory"] for row in told["rows"] if row["stage"].startswith("train_"))
    return told


def test_no_figure_is_cut_where_there_is_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = Row("train_diffusion@discodiff_secondary", "", 1_200_000_000, 1.6e20, 2**35, 2**32, 2**36, 103_320)
    music = music_of(Paths(tmp_path, "full"), FULL.ingest, 1000)
    plan_command._print(Plan((row,), ()), "full", music, machine(8), 2**50, 8)
    cells = row.stage, "1.20 B", "1.6e+20", "32.0 GiB", "4.0 GiB", "64.0 GiB", "28.7"
    assert any(line.split() == " ".join(cells).split() for line in capsys.readouterr().out.splitlines())


@pytest.mark.slow
def test_the_command_prints_what_fits_and_what_to_change(tmp_path: Path) -> None:
    """Of one autoencoder and one small denoiser."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    demo = raw["scales"]["demo"]
    demo["train_vae"]["tal"]["training"] |= {"crop_frames": 8, "init_from": None}
    demo["train_diffusion"]["tal_dit"]["form"]["backbone"] |= {"width": 16, "depth": 1, "heads": 2, "cross_heads": 1}
    raw |= {
        "autoencoders": {"tal": {"needs": "foundation/text_encoder"}},
        "codecs": ["tal"],
        "denoisers": {"tal_dit": raw["denoisers"]["tal_dit"]},
    }
    raw["systems"] = {"tal_dit": raw["systems"]["tal_dit"]}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    told = command(tmp_path, "--clips", "500")
    assert [row["stage"] for row in told["rows"] if row["memory"]] == ["train_vae@tal", "train_diffusion@tal_dit"]


@pytest.mark.slow
@pytest.mark.long
def test_the_command_plans_all_trainings_of_the_demo() -> None:
    trainings = [row["stage"] for row in command(ROOT)["rows"] if row["memory"]]
    assert len(trainings) == 2 + 5


@pytest.mark.slow
def test_published_sizes_are_those_that_our_loaders_build() -> None:
    from padstal.foundation import dac, wav2vec2
    from padstal.foundation.config import DacShape

    base: dict[str, Any] = {
        "hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072,
        "conv_dim": [512] * 7, "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2],
        "conv_bias": False, "num_conv_pos_embeddings": 128, "num_conv_pos_embedding_groups": 16,
        "feat_extract_norm": "group", "do_stable_layer_norm": False,
    }  # fmt: skip
    with Fake(), torch.no_grad(), attention_kernel(torch.device("cpu")):
        scorer = wav2vec2.new(base, 1).eval()
        assert parameters(scorer) == PUBLISHED["checkpoints/qama"].parameters
        heard = flops(lambda: scorer(torch.zeros(1, 160_000))) / 10
        assert heard == pytest.approx(PUBLISHED["checkpoints/qama"].reads, rel=0.01)
        shape = DacShape(
            encoder_dim=64, encoder_rates=(2, 4, 8, 8), decoder_dim=1536, decoder_rates=(8, 8, 4, 2),
            n_codebooks=9, codebook_size=1024, codebook_dim=8,
        )  # fmt: skip
        codec, seconds = dac.build(shape, 44_100).eval(), 864 * 512 / 44_100
        assert parameters(codec) == PUBLISHED["checkpoints/dac"].parameters
        reads = flops(lambda: codec.encode(torch.zeros(1, 1, 864 * 512))) / seconds
        assert reads == pytest.approx(PUBLISHED["checkpoints/dac"].reads, rel=0.01)
        writes = flops(lambda: codec.decode(torch.zeros(1, 1024, 864))) / seconds
        assert writes == pytest.approx(PUBLISHED["checkpoints/dac"].writes, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("google-t5/t5-base", {"d_model": 768, "d_ff": 3072, "num_layers": 12, "num_heads": 12}),
        (
            "google/flan-t5-large",
            {"d_model": 1024, "d_ff": 2816, "num_layers": 24, "num_heads": 16, "feed_forward_proj": "gated-gelu"},
        ),
    ],
)
def test_text_encoders_have_the_published_sizes(name: str, sizes: dict[str, Any]) -> None:
    from transformers import T5Config, T5EncoderModel

    known = PUBLISHED[f"{name}, encoder"]
    with Fake(), torch.no_grad(), attention_kernel(torch.device("cpu")):
        ids = torch.zeros(1, 128, dtype=torch.int64)
        encoder = T5EncoderModel(T5Config(vocab_size=known.shape[1], d_kv=64, **sizes)).eval()
        assert (parameters(encoder), encoder.config.d_model) == (known.parameters, known.shape[0])
        assert flops(lambda: encoder(input_ids=ids)) / 128 == pytest.approx(known.reads, rel=0.01)


def test_a_codec_of_unknown_sizes_is_named() -> None:
    section = FULL.prepare.dac
    weights = section.weights.model_copy(update={"repository": "somebody/codec"})  # type: ignore[union-attr]
    prepare = FULL.prepare.model_copy(update={"dac": section.model_copy(update={"weights": weights})})
    with pytest.raises(ValueError, match="somebody/codec: its sizes are not known; known are google-t5/t5-base"):
        codec_size("dac", FULL.model_copy(update={"prepare": prepare}))
