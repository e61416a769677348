"""Every example of every `--help` is a command line that padstal takes, names what is there, and ends in words."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from padstal.cli import app

ROOT = Path(__file__).resolve().parents[2]
TOO_LONG = ("bench", "plan")
"""Run by tests of their own, with fewer tracks or at demo: an example takes minutes."""
WORKS_IN_A_FRESH_CLONE = ("params", "compare HEAD~1", "sync --dry-run", "lineage audio_dit", "lineage tal_dit")
"""The rest needs what a run makes, a remote that has it, or a promotion, and says so."""


def _examples(command: Any, names: tuple[str, ...] = ()) -> Iterator[str]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from _examples(inner, (*names, name))
    shown = re.findall(r"\[bold\](.*?)\[/bold\]", command.epilog or "")
    assert shown or hasattr(command, "commands"), f"padstal {' '.join(names)} --help has no example"
    for line in shown:
        for part in line.split(" && "):
            words = part.partition(" > ")[0]
            if "padstal " in words:
                yield words[words.index("padstal ") + len("padstal ") :]


EXAMPLES = sorted(set(_examples(get_command(app))))


def _epilogs(command: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command that can be called, groups that are one too, and what stands below its help."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from _epilogs(inner, (*names, name))
    if not hasattr(command, "commands") or command.epilog:
        yield names, command.epilog or ""


def test_every_command_has_an_example_of_itself_which_its_help_shows() -> None:
    epilogs = dict(_epilogs(get_command(app)))
    assert {("doctor",), ("bench", "ingest"), ("data",), ("data", "show")} <= set(epilogs)
    for names, epilog in epilogs.items():
        plain = re.sub(r"\[/?bold\]", "", epilog)
        assert f"padstal {' '.join(names)}" in plain
        shown = CliRunner().invoke(app, [*names, "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, names
        assert "".join(plain.split()) in "".join(shown.output.split())


def test_its_options_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words are read before the help, which is not drawn for each."""
    monkeypatch.setattr("typer.rich_utils.rich_format_help", lambda **_: None)
    for example in EXAMPLES:
        shown = CliRunner().invoke(app, [*shlex.split(example), "--help"])
        assert shown.exit_code == 0, f"{example}: {shown.output}"


def test_its_tracks_models_stages_and_remotes_are_there() -> None:
    from padstal.demo.synthesise import _plans
    from padstal.ingest.config import SynthSource

    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    [source] = params["scales"]["demo"]["ingest"]["sources"]
    plans = _plans(Path("unused"), SynthSource(**source))
    locked = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    outs = {out["path"] for stage in locked.values() for out in stage["outs"]}
    known = {Path(plan.path).name for plan in plans} | set(locked) | outs | set(params["denoisers"])
    known |= set(re.findall(r'remote "(.+)"', (ROOT / ".dvc" / "config").read_text()))
    for example in EXAMPLES:
        command, *words = shlex.split(example)
        if command in ("lineage", "forget", "pull") or example.startswith("data show"):
            named = [word for word in words if word != "show" and re.search(r"\.(mp3|flac|wav|ogg)$|[_@/]", word)]
            assert set(named) <= known, example
        if "--remote-name" in words:
            assert words[words.index("--remote-name") + 1] in known, example


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone: the committed demo, and nothing that a run makes."""
    made = tmp_path_factory.mktemp("clone") / "repository"
    subprocess.run(["git", "clone", "-q", "--shared", str(ROOT), str(made)], check=True)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("example", [one for one in EXAMPLES if not one.startswith(TOO_LONG)])
def test_in_a_fresh_clone_it_works_or_says_what_is_missing(
    clone: Path, example: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone)
    monkeypatch.setattr("webbrowser.open", lambda address: True)
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "WANDB_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WANDB_MODE", "offline")
    shown = CliRunner().invoke(app, shlex.split(example))
    assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.exc_info
    assert "Traceback" not in shown.output
    assert shown.exit_code == 0 or len(shown.output.strip()) > 20, f"{example}: ended with {shown.exit_code}, silent"
    if example.startswith(WORKS_IN_A_FRESH_CLONE):
        assert shown.exit_code == 0, shown.output
