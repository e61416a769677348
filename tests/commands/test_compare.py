"""`padstal compare` on real revisions: of a small repository, and of this one."""

import json
import subprocess
from pathlib import Path

import pytest
import soundfile
from tests.reporting.comparison.revisions import commit, tree, write
from tests.reporting.finished import write_finished_scale
from typer.testing import CliRunner, Result

from padstal.cli import app
from padstal.reporting.comparison.record import read_record

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two revisions: the second has a new licence and a clearly better Vendi."""
    root = tmp_path / "repo"
    commit(root, tree())
    second = tree()
    row = second["reports/demo/metrics/evaluate.json"]["rows"][1]
    row["vendi"], row["intervals"]["vendi"] = 3.0, [2.5, 3.5]
    second["reports/demo/metrics/ingest.json"]["licences"]["CC-BY-NC-4.0"] = 2
    commit(root, second, "Take in more")
    monkeypatch.chdir(root)
    monkeypatch.setenv("COLUMNS", "200")
    return root


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["compare", *arguments])


def test_two_revisions_give_a_comment(root: Path) -> None:
    shown = run("HEAD~1", "HEAD")
    assert shown.exit_code == 0, shown.output
    assert "no commercial use" in shown.output
    assert "1 better, 7 unchanged (of 8)" in shown.output


def test_the_workspace_is_compared_as_it_is(root: Path) -> None:
    write(root, {"params.yaml": {"scale": "demo", "scales": {"demo": {"ingest": {"seed": 77}}}}})
    shown = run("HEAD")
    assert "| ingest.seed | 1 | 77 |" in shown.output
    assert "with changes" in shown.output


def test_a_folder_gets_comment_record_and_plots(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):  # over what was there
        assert run("HEAD~1", "HEAD", "--out", str(out)).exit_code == 0
    assert [file.name for file in sorted((out / "plots").iterdir())] == ["vendi.svg"]
    assert "![vendi](plots/vendi.svg)" in (out / "comment.md").read_text()
    comparison = read_record((out / "comparison.json").read_bytes())
    assert (comparison.base.name, comparison.head.name, comparison.scale) == ("HEAD~1", "HEAD", "demo")


def test_samples_of_both_sides_can_be_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base's come from DVC's cache, by what its lock says; the workspace's are files."""
    root = tmp_path / "repo"
    write_finished_scale(root_folder(root), prompts=2)
    samples = root / "data" / "demo" / "samples" / "tal_dit"
    listing = []
    for number, file in enumerate(sorted(samples.iterdir())):
        md5 = f"{number:032x}"
        copy = root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
        listing.append({"md5": md5, "relpath": file.name})
    folder = "f" * 32 + ".dir"
    cached = root / ".dvc" / "cache" / "files" / "md5" / folder[:2] / folder[2:]
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_text(json.dumps(listing))
    out = {"path": "data/demo/samples/tal_dit", "md5": folder}
    lock = {"stages": {"sample@tal_dit": {"cmd": "x", "outs": [out]}}}
    write(root, {".gitignore": "/data\n/models\n/.dvc\n"})
    commit(root, {"dvc.lock": lock})
    monkeypatch.chdir(root)
    assert run("HEAD", "--out", "out").exit_code == 0
    sounds = sorted((root / "out" / "audio").iterdir())
    assert len(sounds) == 2 * 2 * 2, "prompts × methods × sides"
    assert {len(soundfile.read(file)[0]) > 0 for file in sounds} == {True}
    comment = (root / "out" / "comment.md").read_text()
    assert all(f"(audio/{file.name})" in comment for file in sounds)
    assert "<script>" not in comment


def root_folder(root: Path) -> Path:
    root.mkdir(parents=True)
    return root


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nosuch"], "padstal: 'nosuch': no such revision here"),
        (["HEAD", "nosuch"], "padstal: 'nosuch': no such revision here"),
        (["HEAD", "--scale", "huge"], "padstal: --scale huge: expected one of demo, study, full"),
    ],
)
def test_what_is_wrong_is_one_message(root: Path, arguments: list[str], message: str) -> None:
    shown = run(*arguments)
    assert shown.exit_code == 1
    assert shown.stderr.startswith(message)
    assert "Traceback" not in shown.output


def test_a_repository_without_params_asks_for_a_scale(root: Path) -> None:
    commit(root, {"params.yaml": None})
    commit(root, {"params.yaml": None, "other": "x"})
    assert "neither HEAD~1 nor HEAD has a params.yaml that names a scale" in run("HEAD~1", "HEAD").stderr
    shown = run("HEAD~1", "HEAD", "--scale", "demo")
    assert shown.exit_code == 0
    assert "has no readable params.yaml" in shown.output


def test_an_unknown_scale_is_named_with_its_side(root: Path) -> None:
    write(root, {"params.yaml": {"scale": "tiny", "scales": {}}})
    shown = run("HEAD~1")
    assert shown.exit_code == 1
    told = "params.yaml of workspace: scale = 'tiny': expected one of demo, study, full; or name one with --scale"
    assert shown.stderr == f"padstal: {told}\n"
    assert run("HEAD~1", "--scale", "demo").exit_code == 0


@pytest.mark.slow
def test_this_repository_can_be_compared_with_its_own_past(monkeypatch: pytest.MonkeyPatch) -> None:
    past = subprocess.run(["git", "rev-list", "--count", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    back = min(5, int(past.stdout or 1) - 1) if past.returncode == 0 else 0
    if back < 1:
        pytest.skip("a clone of one commit, or no clone at all")
    monkeypatch.chdir(ROOT)
    for head in ("HEAD", "workspace"):
        shown = run(f"HEAD~{back}", head)
        assert shown.exit_code == 0, shown.output
        assert shown.stdout.startswith("## ")
