"""The commands say what a person needs, in one message without a traceback where something is wrong."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from padstal.cli import app

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository's root with params.yaml alone."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def _edit(root: Path, **section: Any) -> None:
    raw = yaml.safe_load((root / "params.yaml").read_text())
    raw["scales"]["demo"]["ingest"].update(section)
    (root / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


def test_help_starts_within_a_second() -> None:
    """Of processor time, so that a busy machine does not decide."""
    before = os.times()
    command = [sys.executable, "-m", "padstal.cli", "--help"]
    subprocess.run(command, env={"PYTHONPATH": str(ROOT / "src")}, check=True, capture_output=True)
    after = os.times()
    assert after.children_user - before.children_user + after.children_system - before.children_system < 1.0


def test_params_explains_every_value_of_a_section(root: Path) -> None:
    shown = _run("params", "ingest", "--scale", "full")
    assert shown.exit_code == 0, shown.output
    assert "scales.full.ingest.sample_rate" in shown.output
    assert "Hz" in shown.output
    assert "valid at all scales" in shown.output


def test_params_refuses_a_wrong_value_of_an_inactive_scale(root: Path) -> None:
    raw = yaml.safe_load((root / "params.yaml").read_text())
    raw["scales"]["full"]["ingest"]["channels"] = 3
    (root / "params.yaml").write_text(yaml.safe_dump(raw))
    shown = _run("params")
    assert shown.exit_code == 1
    assert "scales.full.ingest.channels = 3: input should be 1 or 2" in shown.output
    assert "Traceback" not in shown.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("params", "train"), "'train' is no section: expected one of runtime, tracking, operations, promote, ingest"),
        (("params", "--scale", "tiny"), "--scale tiny: expected one of demo, study, full"),
        (("bench", "ingest", "--tracks", "3"), "--tracks 3: expected at least 40"),
        (("generate", "x"), "denoiser: no weights in models/demo/diffusion/tal_dit; run `make repro` or `dvc pull`"),
        (("choose",), "no reports/demo/metrics/evaluate.json: run `dvc repro evaluate` or `dvc pull`"),
        (("generate", "x", "--system", "other"), "no system 'other': params.yaml has audio_dit, tal_dit"),
        (("report",), "no such page; `dvc repro report` writes it"),
    ],
)
def test_a_mistake_is_one_message_that_says_what_would_mend_it(
    root: Path, arguments: tuple[str, ...], message: str
) -> None:
    shown = _run(*arguments)
    assert shown.exit_code == 1
    assert message in shown.output
    assert "Traceback" not in shown.output


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.ENOTDIR])
def test_what_cannot_be_written_is_one_message(root: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: Any) -> int:
        raise OSError(number, os.strerror(number), "data/x")

    monkeypatch.setattr("padstal.commands.scan.run", fail)
    shown = _run("scan")
    assert shown.exit_code == 1
    assert "padstal: data/x: " in shown.output
    assert "then start again" in shown.output
    assert "Traceback" not in shown.output


def test_outside_the_repository_it_says_where_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "run from the repository's root" in _run("scan").output


def test_scan_lists_a_folder_and_says_what_changed(root: Path) -> None:
    music = root / "music"
    music.mkdir()
    (music / "a.wav").write_bytes(b"a")
    (music / "b.wav").write_bytes(b"b")
    _edit(root, sources=[{"kind": "folder", "path": "music"}])
    assert "2 added, 0 changed, 0 removed" in _run("scan").output
    listing = root / "data" / "demo" / "sources.json"
    first = listing.read_bytes()
    assert "0 added, 0 changed, 0 removed" in _run("scan").output
    assert listing.read_bytes() == first
    (music / "a.wav").write_bytes(b"other")
    (music / "b.wav").unlink()
    (music / "c.wav").write_bytes(b"c")
    assert "1 added, 1 changed, 1 removed" in _run("scan").output
    assert str(root) not in listing.read_text()


def test_scan_of_a_missing_folder_names_it(root: Path) -> None:
    _edit(root, sources=[{"kind": "folder", "path": "nowhere"}])
    shown = _run("scan")
    assert shown.exit_code == 1
    assert "nowhere: no such folder" in shown.output


def test_report_says_where_the_page_is_and_what_the_stages_took(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from padstal.commands import report

    def compose(paths: Any) -> Path:
        paths.report.parent.mkdir(parents=True, exist_ok=True)
        paths.report.write_text("<html>")
        return Path(paths.report)

    opened: list[str] = []
    monkeypatch.setattr(report, "compose_report", compose)
    monkeypatch.setattr(report.webbrowser, "open", lambda address: opened.append(address) or True)
    timings = root / "reports" / "demo" / "local" / "timings"
    timings.mkdir(parents=True)
    for stage, item, wall in (("train_vae", "tal", 200.0), ("ingest", "", 12.3)):
        record = {"stage": stage, "item": item, "wall_seconds": wall, "budget_seconds": 100.0, "peak_gibibytes": 1.0}
        (timings / f"{stage}.json").write_text(json.dumps(record))
    shown = _run("report", "--open")
    assert shown.exit_code == 0, shown.output
    assert "report: reports/demo/index.html" in shown.output
    assert shown.output.index("ingest") < shown.output.index("train_vae@tal")
    assert "212.3" in shown.output
    assert "ran here: 2 of " in shown.output
    assert opened == [(root / "reports" / "demo" / "index.html").as_uri()]


def _fake_models(root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Weights that are only there; what the sampler was asked for."""
    from padstal.sampling import generate as sampling
    from padstal.systems.pads_tal import PadsTal

    for folder in ("diffusion/tal_dit", "vae/tal", "foundation/text_encoder"):
        (root / "models" / "demo" / folder).mkdir(parents=True)
        (root / "models" / "demo" / folder / "model.safetensors").write_bytes(folder.encode())
    asked: dict[str, Any] = {}

    def generate(system: Any, prompts: list[str], seeds: list[int], setting: Any, **how: Any) -> np.ndarray:
        list(how["progress"](range(1)))
        asked.update(system=system, prompts=prompts, seeds=seeds, setting=setting, **how)
        return np.tile(np.linspace(-2, 2, 1600, dtype=np.float32), (len(prompts), 1, 1))

    def load(self: Any, name: str, *_: Any) -> Any:
        first = types.SimpleNamespace(name=f"the first of {name}", sample_rate=16_000)
        return types.SimpleNamespace(
            name=name,
            sample_rate=16_000,
            preview=lambda: first,
            lasting=lambda seconds: asked.update(lasts=seconds) or first,
            check=asked.setdefault("checked", []).extend,
            nearest=lambda setting: setting,
        )

    monkeypatch.setattr(PadsTal, "load", load)
    monkeypatch.setattr(sampling, "generate", generate)
    return asked


def test_generate_writes_takes_and_all_that_it_takes_to_make_them_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import soundfile

    from padstal.sampling.setting import Setting

    asked = _fake_models(root, monkeypatch)
    options = "-n 2 --strength 0.25 --guidance 5 --steps 7 --solver ddim --set method.tau1=0.3 --set solver.eta=0.5"
    shown = _run("generate", "Slow, solo piano!", *options.split(), "--seed", "3", "--out", "takes")
    assert shown.exit_code == 0, shown.output
    assert re.search(r"; 2 × 0\.1 s of music in \d+\.\d s\n", shown.output)
    assert sorted(file.name for file in (root / "takes").iterdir()) == [
        "slow-solo-piano-3-000.wav",
        "slow-solo-piano-3-001.wav",
        "slow-solo-piano-3.json",
    ]
    assert (asked["prompts"], asked["seeds"]) == (["Slow, solo piano!"] * 2, [3, 3])
    audio, rate = soundfile.read(root / "takes" / "slow-solo-piano-3-000.wav", dtype="int16")
    assert (rate, len(audio), audio.min(), audio.max()) == (16_000, 1600, -32768, 32767)
    record = json.loads((root / "takes" / "slow-solo-piano-3.json").read_text())
    assert (record["prompt"], record["system"]) == ("Slow, solo piano!", "tal_dit")
    setting = asked["setting"]
    assert (Setting.model_validate(record["record"]), record["setting"]) == (setting, setting.id)
    assert (setting.label(), setting.steps) == ("pads s = 0.25, w = 5", 7)
    assert (setting.solver.kind, setting.solver.eta, setting.method.tau1, setting.method.tau2) == (
        "ddim",
        0.5,
        0.3,
        0.9,
    )
    assert len(record["models"]["codec"]) == 64
    assert set(record["files"]) == {"slow-solo-piano-3-000.wav", "slow-solo-piano-3-001.wav"}


def test_generate_takes_the_grids_first_setting_of_the_method(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from padstal.core.params import load_section
    from padstal.sampling.config import SampleParams

    asked = _fake_models(root, monkeypatch)
    for method in ("none", "cads", "pads"):
        assert _run("generate", "x", "-n", "1", "--method", method).exit_code == 0
        grid = load_section(root / "params.yaml", "sample", SampleParams, "demo").settings_on("pads_tal")
        assert asked["setting"] == next(one for one in grid if one.method_name == method)


def _lock(root: Path, read: str, ours: str) -> None:
    """`evaluate` read clips of MD5 `read`, and `ingest` wrote `ours`."""
    stages = {}
    for stage, kind, md5 in (("ingest", "outs", ours), ("evaluate", "deps", read)):
        stages[stage] = {"cmd": "x", kind: [{"path": "data/demo/ingest", "hash": "md5", "md5": f"{md5}.dir"}]}
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


def test_what_was_evaluated_says_which_setting_keeps_alignment_and_generate_takes_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from padstal.core.params import load_section
    from padstal.sampling.config import SampleParams

    asked = _fake_models(root, monkeypatch)
    grid = load_section(root / "params.yaml", "sample", SampleParams, "demo").settings_on("pads_tal")
    plain, weak, strong = grid[0], *(one for one in grid if one.method_name == "pads" and one.strength in (1.0, 4.0))
    rows = [
        {
            "system": "tal_dit", "label": one.label(), "setting": one.id, "record": one.model_dump(mode="json"),
            "retention": keeps, "vendi_within": vendi, "fd": 90.0, "intervals": {"vendi_within": [vendi, vendi + 1]},
        }
        for one, keeps, vendi in ((plain, 1.0, 1.2), (weak, 0.92, 1.5), (strong, 0.6, 2.5))
    ]  # fmt: skip
    metrics = root / "reports" / "demo" / "metrics"
    metrics.mkdir(parents=True)
    (metrics / "evaluate.json").write_text(json.dumps({"sweep": rows}))
    shown = _run("choose", "--retain", "0.9")
    assert shown.exit_code == 0, shown.output
    assert shown.output.index(weak.id) < shown.output.index(plain.id)
    assert strong.id not in shown.output
    assert "padstal generate 'your prompt' --system tal_dit --retain 0.9" in shown.output
    assert _run("generate", "x", "-n", "1", "--retain", "0.9").exit_code == 0
    assert asked["setting"] == weak
    assert _run("generate", "x", "-n", "1", "--retain", "0.5", "--steps", "3").exit_code == 0
    assert (asked["setting"].strength, asked["setting"].steps) == (4.0, 3)
    note = "reports/demo/metrics/evaluate.json: of other data than yours; run `dvc repro evaluate`"
    for read, ours in (("0", "0"), ("0", "1")):
        _lock(root, read * 32, ours * 32)
        for arguments in (("choose",), ("generate", "x", "-n", "1", "--retain", "0.9")):
            shown = _run(*arguments)
            assert (shown.exit_code, note in shown.output) == (0, read != ours)
    refused = [{"system": "audio_dit", "why": "unperturbed, CLAP-f is 0.2, not above chance"}]
    deaf = [{**row, "system": "audio_dit", "retention": None} for row in rows]
    (metrics / "evaluate.json").write_text(json.dumps({"sweep": [*rows, *deaf], "retention": {"refused": refused}}))
    assert "audio_dit: no setting has a share of the alignment to keep: unperturbed, CLAP-f is 0.2" in " ".join(
        _run("choose", "--system", "audio_dit").output.split()
    )
    both = _run("generate", "x", "--retain", "0.9", "--method", "cads")
    assert both.exit_code == 1
    assert "expected one of them" in both.output


def test_a_method_that_the_grid_lacks_is_an_error_that_lists_what_it_has(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _fake_models(root, monkeypatch)
    raw = yaml.safe_load((root / "params.yaml").read_text())
    del raw["scales"]["demo"]["sample"]["grids"]["pads_tal"]["sweeps"]["pads"]
    (root / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    shown = _run("generate", "x", "--method", "pads")
    assert shown.exit_code == 1
    assert "method.kind = pads: the grid has no such setting; it has: none w = 2; none w = 1" in shown.output
    assert "cads s = 0.1, w = 2" in shown.output
    assert not asked
    assert not (root / "generated").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--strength -1", "method.strength = -1.0: input should be greater than or equal to 0"),
        ("--method none --strength 1", "method.strength: unknown key"),
        ("--steps 0", "steps = 0: input should be greater than or equal to 1"),
        ("--solver rk4", "solver: kind = 'rk4': expected a solver, {kind: …} with one of ddim, ddpm, dpm2"),
        ("--set method.tau1=2", "method.tau1 = 2: input should be less than or equal to 1"),
        ("--set method.tau3=0.1", "method.tau3: unknown key"),
        ("--set steps.x=1", "steps.x: steps = 8 is a single value"),
        ("--set tau1", "--set tau1: expected PATH=VALUE, e.g. method.tau1=0.3"),
    ],
)
def test_a_wrong_value_of_a_setting_names_its_path_the_value_and_what_is_allowed(
    root: Path, monkeypatch: pytest.MonkeyPatch, options: str, message: str
) -> None:
    asked = _fake_models(root, monkeypatch)
    shown = _run("generate", "x", *options.split())
    assert shown.exit_code == 1
    assert message in shown.output
    assert not asked


def test_quality_negative_prompt_and_preview_have_options_of_their_own(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _fake_models(root, monkeypatch)
    shown = _run("generate", "x", "-n", "1", "--quality", "4", "--negative", "hiss", "--guidance", "2.5")
    assert shown.exit_code == 0, shown.output
    setting = asked["setting"]
    assert (setting.guidance.kind, setting.guidance.prompt, setting.guidance.w) == ("negative_prompt", "hiss", 2.5)
    assert setting.attributes == {"quality": 4.0}
    assert _run("generate", "x", "-n", "1", "--preview").exit_code == 0
    assert asked["system"].name == "the first of tal_dit"


def test_a_take_lasts_as_long_as_it_is_asked_to(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _fake_models(root, monkeypatch)
    assert _run("generate", "x", "-n", "1", "--seconds", "47").exit_code == 0
    assert asked["lasts"] == 47
    assert asked["system"].name == "the first of tal_dit"
    for seconds, allowed in (("0.5", "equal to 1 "), ("191", "equal to 190 ")):
        refused = _run("generate", "x", "--seconds", seconds)
        assert refused.exit_code == 2
        assert allowed in refused.output


def test_the_best_of_several_takes_are_those_that_fit_the_prompt(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.evaluation.fakes import FakeClap

    from padstal.foundation import clap
    from padstal.sampling import generate as sampling

    _fake_models(root, monkeypatch)
    monkeypatch.setattr(clap, "load", lambda *_: FakeClap())
    pitches = [500.0, 100.0, 300.0, 110.0, 700.0, 800.0]  # "ambient" is a tone of 100 Hz

    def generate(system: Any, prompts: list[str], *_: Any, **__: Any) -> np.ndarray:
        tones = [np.sin(2 * np.pi * pitch * np.arange(16_000) / 16_000) for pitch in pitches[: len(prompts)]]
        return np.stack(tones).astype(np.float32)[:, None] / 2

    monkeypatch.setattr(sampling, "generate", generate)
    shown = _run("generate", "ambient", "-n", "2", "--best-of", "3", "--seed", "7", "--out", "takes")
    assert shown.exit_code == 0, shown.output
    kept = sorted(file.name for file in (root / "takes").glob("*.wav"))
    assert kept == ["ambient-7-001.wav", "ambient-7-003.wav"]
    record = json.loads((root / "takes" / "ambient-7.json").read_text())
    assert set(record["clap_f"]) == {"001", "003"}
    assert min(record["clap_f"].values()) > 0.9


def test_generate_names_what_is_missing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake_models(root, monkeypatch)
    (root / "models" / "demo" / "vae" / "tal" / "model.safetensors").unlink()
    assert "codec: no weights in models/demo/vae/tal" in _run("generate", "x").output


def test_doctor_says_what_is_there_and_never_a_secret(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "canary-canary-canary")
    shown = _run("doctor")
    for expected in (
        "Python",
        "torch",
        "memory",
        "free disk",
        "DVC",
        "credentials in WANDB_API_KEY",
        "params.yaml",
        "vae weights (demo)",
    ):
        assert expected in shown.output
    assert "canary" not in shown.output
    assert shown.exit_code == 1, "there is no .dvc here"
    assert "missing: DVC" in shown.output


def test_doctor_wants_credentials_only_where_tracking_is_online(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from padstal.commands.doctor import findings

    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(root / "none"))
    text = (root / "params.yaml").read_text()
    assert next(one for one in findings(root) if one.what == "W&B").mark == "ok"
    (root / "params.yaml").write_text(text.replace("mode: offline", "mode: online"))
    assert next(one for one in findings(root) if one.what == "W&B").mark == "missing"
