"""`padstal pull` and `padstal push` do what they are asked for, with DVC itself, and say by path what nobody has."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.flows.dvc_here import dvc_here
from tests.flows.tiny import make_repo
from typer.testing import CliRunner

from padstal.cli import app

pytestmark = pytest.mark.slow

PIPELINE = """\
stages:
  vae:
    matrix: {name: [audio, tal]}
    cmd: mkdir -p models/${item.name} && echo ${item.name} > models/${item.name}/weights && echo 1 > ${item.name}.json
    deps: [stage.py]
    outs:
      - models/${item.name}
      - ${item.name}.json: {cache: false}
  report:
    cmd: mkdir cards && echo page > page.html && echo card > cards/one && echo other > cards/two
    deps: [models]
    outs: [page.html, cards]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose outputs are in the cache and not in its remote."""
    made = make_repo(tmp_path / "repository", PIPELINE)
    (made / "params.yaml").write_text("scale: demo\n")
    for arguments in (["remote", "add", "-q", "-d", "local", "../remote"], ["repro", "-q"]):
        assert dvc_here(made, arguments, print).code == 0
    monkeypatch.chdir(made)
    return made


def _run(*arguments: str) -> tuple[int, str]:
    shown = CliRunner().invoke(app, [*arguments])
    return shown.exit_code, shown.output


def _outputs(root: Path) -> set[str]:
    found = [file for name in ("models", "cards") for file in (root / name).rglob("*") if file.is_file()]
    found += [root / "page.html"] if (root / "page.html").is_file() else []
    return {file.relative_to(root).as_posix() for file in found}


def _as_in_a_fresh_clone(root: Path) -> None:
    for name in (".dvc/cache", "models", "cards"):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "page.html").unlink(missing_ok=True)


WANTED: list[tuple[tuple[str, ...], set[str]]] = [
    (("vae@tal", "page.html"), {"models/tal/weights", "page.html"}),
    (("page.html", "vae@tal"), {"models/tal/weights", "page.html"}),
    (("vae", "cards"), {"models/tal/weights", "models/audio/weights", "cards/one", "cards/two"}),
    (("cards/two",), {"cards/two"}),
    (("dvc.yaml:report", "models/tal/"), {"models/tal/weights", "cards/one", "cards/two", "page.html"}),
    (("dvc.yaml:vae@tal", "./page.html"), {"models/tal/weights", "page.html"}),
    ((), {"models/tal/weights", "models/audio/weights", "cards/one", "cards/two", "page.html"}),
]


def test_stages_and_paths_in_any_order_are_pulled_whole(root: Path) -> None:
    assert _run("push")[0] == 0
    for targets, files in WANTED:
        _as_in_a_fresh_clone(root)
        code, said = _run("pull", *targets)
        assert (code, _outputs(root)) == (0, files), said


def test_what_the_remote_lacks_fails_a_pull_that_asked_for_it(root: Path) -> None:
    assert _run("push")[0] == 0
    [held] = [
        one for one in root.parent.joinpath("remote/files").rglob("*") if one.is_file() and one.read_text() == "page\n"
    ]
    held.unlink()
    for targets, code in (((), 0), (("vae@tal",), 0), (("vae@tal", "page.html"), 1), (("vae@tal", "./page.html"), 1)):
        _as_in_a_fresh_clone(root)
        found, said = _run("pull", *targets)
        assert found == code, said
        assert ("page.html" in said) == (targets != ("vae@tal",)), said
        assert "models/tal/weights" in _outputs(root), "what there is came all the same"


@pytest.mark.parametrize(
    ("params", "told"),
    [("scale: tiny\n", "scale = 'tiny': expected one of demo, study, full"), ("scale: [demo\n", "params.yaml: ")],
)
def test_wrong_params_are_named_before_dvc_reads_them(root: Path, params: str, told: str) -> None:
    (root / "params.yaml").write_text(params)
    for way in ("pull", "push"):
        code, said = _run(way)
        assert code == 1
        assert said.startswith("padstal: ")
        assert told in said


def _lose(root: Path, content: str) -> None:
    [file] = [one for one in (root / ".dvc/cache/files").rglob("*") if one.is_file() and one.read_text() == content]
    file.unlink()


@pytest.mark.parametrize("lost", [_lose, None])
def test_what_neither_side_has_is_named_by_path_and_fails_the_push(
    root: Path, lost: Callable[[Path, str], None] | None
) -> None:
    if lost:
        lost(root, "page\n")
    else:
        _as_in_a_fresh_clone(root)
    code, said = _run("push")
    assert code == 1
    assert "page.html" in said
    assert "`dvc repro" in said
    assert "report" in said
    assert ("models/tal" in said) == (lost is None)
