"""The record holds what was logged, holds no secret, and never decides over the work."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from padstal.core.dvc_objects import content_of
from padstal.operations.tracking import run as tracking
from padstal.operations.tracking.note import read_note

FAKE_KEY = "canary0123456789canary0123456789canary01"


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "home"))
    for name in ("WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def _track(folder: Path, mode: str = "offline", **config: Any) -> Any:
    return tracking.track("train_vae@tal", config, mode=mode, project="padstal", entity=None, folder=folder)


class _Broken:
    """A W&B run whose every method fails."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise OSError(28, "No space left on device")

        return fail


def test_disabled_does_not_import_wandb(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from padstal.operations.tracking.run import track\n"
        "with track('s', {}, mode='disabled', project='p', folder=Path('w')) as r:\n"
        "    r.log({'a': 1}, 0); r.input_artifact('x', Path('nowhere'))\n"
        "assert 'wandb' not in sys.modules and not r.active and not Path('w').exists()"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)


@pytest.mark.slow
def test_an_offline_run_holds_everything_but_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", FAKE_KEY)
    folder = tmp_path / "wandb"
    artefact = tmp_path / "latents"
    artefact.mkdir()
    (artefact / "a.npy").write_bytes(b"123")
    with _track(
        folder, learning_rate=3e-4, api_key="canary-value", nested={"password": "canary-value", "note": FAKE_KEY}
    ) as record:
        assert record.active
        record.log({"loss": 0.5}, 7)
        record.table("prompts", pd.DataFrame({"prompt": ["slow piano"]}))
        record.input_artifact("latents", artefact)
        record.output_artifact("model", artefact)
    assert len(list(folder.glob("offline-run-*"))) == 1
    everything = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    for expected in (b"learning_rate", b"loss", b"slow piano", content_of(artefact).md5.encode()):
        assert expected in everything
    assert b"canary" not in everything


def test_warnings_name_the_cause_once(capsys: pytest.CaptureFixture[str]) -> None:
    record = tracking.Record("train_vae@tal", _Broken())
    for step in range(3):
        record.log({"loss": 1.0}, step)
    record.input_artifact("x", Path("absent"))
    record.close(0)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" (")[0].removeprefix("train_vae@tal: tracking: ") for line in lines] == [
        "log failed",
        "input artifact failed",
        "finish failed",
        "note failed",
    ]
    assert "No space left on device" in lines[0]


def test_an_error_of_the_work_passes_through_and_marks_the_run_as_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    codes = []

    class _Run(_Broken):
        def finish(self, exit_code: int) -> None:
            codes.append(exit_code)

    monkeypatch.setattr(tracking, "_start", lambda *_, **__: _Run())
    with pytest.raises(ZeroDivisionError), _track(tmp_path):
        _ = 1 / 0
    assert codes == [1]
    with _track(tmp_path):
        pass
    assert codes == [1, 0]


@pytest.mark.parametrize("cause", [ImportError("no wandb"), OSError(30, "Read-only file system"), RuntimeError("boom")])
def test_a_record_that_cannot_start_leaves_the_work_alone(
    cause: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise cause

    monkeypatch.setattr(tracking, "_start", fail)
    with _track(tmp_path) as record:
        record.log({"loss": 1.0}, 0)
    assert not record.active
    assert capsys.readouterr().err.count("\n") == 1


def test_online_without_a_key_records_offline_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    modes = []

    def start(*_: Any, mode: str, **__: Any) -> Any:
        modes.append(mode)
        return _Broken()

    monkeypatch.setattr(tracking, "_start", start)
    with _track(tmp_path, "online"):
        pass
    assert modes == ["offline"]
    assert "no WANDB_API_KEY" in capsys.readouterr().err


@pytest.mark.parametrize("server", ["closed", "silent"])
def test_a_server_that_does_not_answer_costs_seconds_and_the_run_is_kept_offline(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tracking, "CONNECT_SECONDS", 1.0)
    monkeypatch.setenv("WANDB_API_KEY", FAKE_KEY)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        if server == "silent":
            listener.listen(64)
        started = time.monotonic()
        with _track(tmp_path / "wandb", "online", a=1) as record:
            record.log({"loss": 1.0}, 0)
        assert time.monotonic() - started < 15
        assert record.active
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 1
    errors = capsys.readouterr().err
    assert "recording offline" in errors
    assert FAKE_KEY not in errors


def test_what_a_run_read_and_wrote_is_noted_and_only_what_it_wrote_becomes_an_artifact(tmp_path: Path) -> None:
    calls: list[tuple[str, list[str]]] = []

    class _Config(dict):  # type: ignore[type-arg]
        def update(self, values: Any, allow_val_change: bool = False) -> None:  # type: ignore[override]
            super().update(values)

    class _Run:
        def __init__(self) -> None:
            self.config = _Config()
            self.settings = type("Settings", (), {"sync_dir": str(tmp_path / "run")})

        def log_artifact(self, artifact: Any, aliases: list[str]) -> None:
            calls.append((artifact.name, aliases))

    file = tmp_path / "models" / "demo" / "vae" / "tal" / "model.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    run = _Run()
    record = tracking.Record("s", run, root=tmp_path)
    record.input_artifact("before", file)
    assert calls == [], "a server's answer would be waited for, and the work must not"
    record.output_artifact("after", file.parent)
    md5 = content_of(file.parent).md5
    assert calls == [("vae-tal", ["latest", "demo", f"md5-{md5.removesuffix('.dir')}"])]
    assert run.config["inputs"]["before"]["md5"] == content_of(file).md5
    assert json.loads(json.dumps(run.config))["outputs"]["after"]["bytes"] == 7
    noted = read_note(tmp_path / "run")
    assert noted is not None
    assert noted.inputs["before"].path == "models/demo/vae/tal/model.safetensors"
    assert noted.outputs["after"].md5 == md5


@pytest.mark.slow
def test_all_stages_of_one_pipeline_run_share_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups = []
    for _ in range(2):
        with _track(tmp_path / "wandb") as record:
            record.log({"loss": 1.0}, 0)
    monkeypatch.setenv("PADSTAL_RUN_GROUP", "retrain-7")
    with _track(tmp_path / "wandb"):
        pass
    for place in sorted((tmp_path / "wandb").glob("offline-run-*"), key=lambda place: place.stat().st_mtime):
        noted = read_note(place)
        assert noted is not None
        assert not noted.running
        groups.append(noted.group)
    assert groups[0] == groups[1] != groups[2] == "retrain-7"
