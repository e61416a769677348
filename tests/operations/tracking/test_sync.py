"""`padstal sync` against a W&B server on this machine: everything arrives once, joined from raw data to report."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.operations.tracking.wandb_server import Wandb, served

from padstal.core.dvc_objects import content_of
from padstal.operations.tracking.note import Note, read_note
from padstal.operations.tracking.sync import make_plan, recorded_runs

SCALE = "demo"
KEY = "canary0123456789canary0123456789canary01"
TRAIN = """
from pathlib import Path
from padstal.operations.tracking.run import track
with track("train_vae@tal", {"lr": 1}, mode="offline", project="padstal", folder=Path("wandb")) as record:
    for step in range(4):
        record.log({"loss": 1.0 / (step + 1)}, step)
    record.input_artifact("curate", Path("data/demo/curate"))
    record.output_artifact("tal", Path("models/demo/vae/tal"))
"""


def _python(root: Path, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "WANDB_CONFIG_DIR": str(root / "home"),
        **more,
    }
    environment.setdefault("NETRC", str(root / "no-netrc"))
    return subprocess.run(
        [sys.executable, *arguments], cwd=root, env=environment, capture_output=True, text=True, timeout=300
    )


def _sync(root: Path, wandb: Wandb | None = None, *arguments: str) -> "subprocess.CompletedProcess[str]":
    online = {"WANDB_API_KEY": KEY, "WANDB_BASE_URL": wandb.address} if wandb else {"WANDB_API_KEY": ""}
    return _python(root, "-m", "padstal.cli", "sync", *arguments, **online)


def _write(root: Path, path: str, text: str) -> dict[str, object]:
    """A file, and how `dvc.lock` names it (the folder, where the path says one)."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    place = file if path.count("/") < 4 and file.suffix else file.parent
    return {"path": place.relative_to(root).as_posix(), "md5": content_of(place).md5, "size": len(text)}


def _repository(root: Path) -> Path:
    """A finished pipeline of four stages: raw data → curate → train_vae@tal → report; training recorded itself."""
    root.mkdir()
    sources = _write(root, "data/demo/sources.json", "[]")
    code = {"path": "src/padstal/x.py", "md5": "0" * 32, "size": 1}
    ingest = _write(root, "data/demo/ingest/manifest", "m")
    curate = _write(root, "data/demo/curate/dataset", "d")
    model = _write(root, "models/demo/vae/tal/weights", "w")
    metrics = _write(root, "reports/demo/metrics/train_vae_tal.json", '{"steps": 3}')
    counted = _write(root, "reports/demo/metrics/ingest.json", '{"tracks": 7, "by": {"licence": 2}, "rows": [1]}')
    page = _write(root, "reports/demo/page.html", "<html>")
    params = {"params.yaml": {"scales.demo.ingest": {"sample_rate": 16000}}}
    above = {**model, "path": "models/demo/vae", "md5": "1" * 32 + ".dir"}  # a dep that is the folder above an output
    stages = {
        "report": {"cmd": "report", "deps": [above, curate, metrics], "outs": [page]},
        "ingest": {"cmd": "ingest", "deps": [code, sources], "params": params, "outs": [ingest, counted]},
        "curate": {"cmd": "curate", "deps": [ingest], "outs": [curate]},
        "train_vae@tal": {"cmd": "train", "deps": [curate], "outs": [model, metrics]},
    }
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False))
    tracking = {"mode": "offline", "project": "padstal", "entity": None}
    (root / "params.yaml").write_text(yaml.safe_dump({"scale": SCALE, "tracking": tracking, "scales": {SCALE: {}}}))
    return root


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Wandb, str]]:
    """A repository after a sync that the server broke off and one that went on; and what the second one said."""
    root = _repository(tmp_path_factory.mktemp("sync") / "repo")
    trained = _python(root, "-c", TRAIN)
    assert trained.returncode == 0, trained.stderr
    with served(Wandb()) as wandb:
        wandb.refuse = lambda operation: operation == "useArtifact"
        broken = _sync(root, wandb)
        assert broken.returncode == 1
        assert "Traceback" not in broken.stderr
        assert len(wandb.runs) == 5
        wandb.refuse = lambda operation: False
        done = _sync(root, wandb)
        assert done.returncode == 0, done.stderr
        yield root, wandb, done.stdout


@pytest.mark.slow
class TestSync:
    def test_lineage_leads_from_raw_data_to_the_report(self, synced: tuple[Path, Wandb, str]) -> None:
        _, wandb, said = synced
        uses = {name: [one.collection for one in wandb.run(name).inputs] for name in ("ingest", "curate", "report")}
        assert uses == {"ingest": ["sources.json"], "curate": ["ingest"], "report": ["vae-tal", "curate"]}
        assert [one.collection for one in wandb.run("train_vae@tal").inputs] == ["curate"]
        makers = {one.collection: wandb.runs["padstal", one.maker].attributes["displayName"] for one in wandb.artifacts}
        assert makers == {
            "sources.json": "sources",
            "ingest": "ingest",
            "curate": "curate",
            "vae-tal": "train_vae@tal",
            "page.html": "report",
        }
        assert "0 runs sent, 5 uses added" in said, "the first sync had sent them, and the second must not again"

    def test_runs_have_their_stage_as_job_type_and_one_group(self, synced: tuple[Path, Wandb, str]) -> None:
        _, wandb, _ = synced
        kinds = {run.attributes["displayName"]: run.attributes["jobType"] for run in wandb.runs.values()}
        assert kinds == {name: name.partition("@")[0] for name in kinds}
        assert len({run.attributes["groupName"] for run in wandb.runs.values()}) == 1
        assert {run.state for run in wandb.runs.values()} == {"finished"}

    def test_versions_have_content_scale_and_latest_as_aliases(self, synced: tuple[Path, Wandb, str]) -> None:
        root, wandb, _ = synced
        md5 = content_of(root / "models/demo/vae/tal").md5
        model = wandb.named("vae-tal")
        assert set(model.aliases) == {"latest", "demo", f"md5-{md5.removesuffix('.dir')}"}
        assert model.about["md5"] == md5
        assert model.kind == "model"
        assert json.loads(model.files["content.json"]) == {"md5": md5}

    def test_curves_and_figures_arrive(self, synced: tuple[Path, Wandb, str]) -> None:
        _, wandb, _ = synced
        assert [line["loss"] for line in wandb.run("train_vae@tal").history] == [1.0, 0.5, pytest.approx(1 / 3), 0.25]
        [summary] = wandb.run("ingest").lines["wandb-summary.json"]
        assert {"tracks": 7, "by.licence": 2}.items() <= json.loads(summary).items()
        assert wandb.run("ingest").config["scales.demo.ingest"] == {"sample_rate": 16000}

    def test_a_second_sync_adds_nothing_and_erases_nothing(self, synced: tuple[Path, Wandb, str]) -> None:
        root, wandb, _ = synced
        before, asked = len(wandb.run("train_vae@tal").history), len(wandb.asked)
        done = _sync(root, wandb)
        assert done.returncode == 0, done.stderr
        assert "0 runs sent, 0 uses added" in done.stdout
        assert set(wandb.asked[asked:]) <= {"viewer", "serverInfo"}
        assert len(wandb.run("train_vae@tal").history) == before == 4

    def test_a_fresh_clone_has_nothing_to_add(self, synced: tuple[Path, Wandb, str], tmp_path: Path) -> None:
        root, wandb, _ = synced
        clone, asked = tmp_path / "clone", len(wandb.asked)
        shutil.copytree(root, clone, ignore=shutil.ignore_patterns("wandb"))
        done = _sync(clone, wandb)
        assert done.returncode == 0, done.stderr
        assert "0 runs sent, 0 uses added" in done.stdout
        assert not {"upsertBucket", "createArtifact", "useArtifact"} & set(wandb.asked[asked:])

    def test_the_promoted_model_gets_the_alias(self, synced: tuple[Path, Wandb, str], tmp_path: Path) -> None:
        root, wandb, _ = synced
        clone = tmp_path / "clone"
        shutil.copytree(root, clone, ignore=shutil.ignore_patterns("home"))
        (clone / ".gitignore").write_text("wandb/\n")
        (clone / "dvc.yaml").write_text("artifacts: {tal-vae: {path: 'models/${scale}/vae/tal', type: model}}\n")
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
        for command in (
            ["init", "-q"],
            ["add", "."],
            ["commit", "-qm", "One"],
            ["tag", "-am", "Promote", "tal-vae#champion#1"],
        ):
            subprocess.run([*git, *command], cwd=clone, check=True)
        assert "champion tal-vae: named" in _sync(clone, wandb).stdout
        assert "champion" in wandb.named("vae-tal").aliases


@pytest.mark.parametrize(
    ("key", "why"), [("", "no WANDB_API_KEY"), (KEY, "http://127.0.0.1:9 cannot be asked: ConnectionRefusedError")]
)
def test_without_a_key_or_a_server_it_says_so_and_sends_nothing(
    key: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from padstal.commands.sync import run

    for name, value in {"WANDB_API_KEY": key, "NETRC": str(tmp_path), "WANDB_BASE_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=re.escape(why)) as refused:
        run(_repository(tmp_path / "repo"), dry_run=False)
    assert KEY not in str(refused.value)


def test_a_dry_run_says_what_a_sync_would_do_and_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from padstal.commands.sync import run

    monkeypatch.setenv("WANDB_API_KEY", "")
    monkeypatch.setenv("NETRC", str(tmp_path))
    root = _repository(tmp_path / "repo")
    _offline(root / "wandb", "20260101_000000", "waiting")
    assert run(root, dry_run=True) == 0
    *planned, summary = capsys.readouterr().out.splitlines()
    assert planned[0] == "send    offline-run-20260101_000000-waiting  train_vae@tal"
    assert {line.split()[1] for line in planned[1:]} == {"sources", "ingest", "curate", "train_vae@tal", "report"}
    assert "WANDB_API_KEY is not set" in summary


def _offline(folder: Path, when: str, run: str, **note: object) -> Path:
    place = folder / f"offline-run-{when}-{run}"
    place.mkdir(parents=True)
    (place / f"run-{run}.wandb").write_bytes(b"")
    Note(run=run, label="train_vae@tal", project="padstal", **note).write(place)  # type: ignore[arg-type]
    return place


def test_a_second_folder_of_the_same_run_is_left_alone_for_it_would_replace_its_history(tmp_path: Path) -> None:
    first = _offline(tmp_path, "20260101_000000", "same")
    second = _offline(tmp_path, "20260102_000000", "same")
    plan = make_plan(recorded_runs(tmp_path), ())
    assert [run.folder for run in plan.send] == [first]
    assert "replace its history" in plan.refused[second.name]
    (first / "run-same.wandb.synced").touch()
    plan = make_plan(recorded_runs(tmp_path), ())
    assert plan.send == ()
    assert list(plan.refused) == [second.name]


def test_a_run_that_is_being_written_waits(tmp_path: Path) -> None:
    place = _offline(tmp_path, "20260101_000000", "alive", process=os.getpid())
    plan = make_plan(recorded_runs(tmp_path), ())
    assert (plan.send, plan.refused) == ((), {place.name: "still being written"})
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    dead = _offline(tmp_path, "20260102_000000", "dead", process=int(ended.stdout))
    assert [run.folder for run in make_plan(recorded_runs(tmp_path), ()).send] == [dead]


def test_a_note_that_cannot_be_read_costs_the_lineage_not_the_run(tmp_path: Path) -> None:
    place = _offline(tmp_path, "20260101_000000", "odd")
    (place / "padstal.json").write_text('{"run": 1')
    assert read_note(place) is None
    assert [run.note.run for run in make_plan(recorded_runs(tmp_path), ()).send] == ["odd"]
