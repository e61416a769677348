"""Commands that fail loudly say what is wrong and never a secret; the search that says so finds what is there."""

import gzip
import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from tests.end_to_end import planted
from tests.end_to_end.tiny import make_copy
from tests.forked import forked

from padstal.cli import app

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PADSTAL = ("padstal",)
DVC = (sys.executable, "-m", "dvc")
NOBODY = "http://127.0.0.1:9"
LOGGED = """
from pathlib import Path
from padstal.operations.tracking.run import track
import os
from padstal.operations.tracking import run
run.CONNECT_SECONDS = 2.0
with track("train_vae@tal", {"note": os.environ["MUSIC_BUCKET"], **dict(os.environ)}, mode="online", project="padstal",
           folder=Path("wandb")) as record:
    record.log({"loss": 1.0}, 0)
    record.output_artifact("flows", Path("flows"))
"""


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    for used in ("compare", "doctor", "params", "scan", "sync", "wandb_report"):  # once, not in each copy
        importlib.import_module(f"padstal.commands.{used}")
    importlib.import_module("torch")
    importlib.import_module("dvc.repo")
    root = make_copy(tmp_path_factory.mktemp("planted") / "repo")
    with pytest.MonkeyPatch.context() as patch:
        planted.plant(patch, root)
        patch.setenv("WANDB_BASE_URL", NOBODY)
        patch.setenv("NETRC", str(root / "none"))
        (root / "some.bin").write_bytes(b"to push")
        planted.run(root, *DVC, "add", "some.bin")
        yield root
    shutil.rmtree(root.parent)


def _padstal(root: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and words of a `padstal` command."""
    ended = forked(lambda: app(arguments, prog_name="padstal"), root, planted.environment(root))
    return ended.code, "\n".join(ended.lines)


def _fails(root: Path, *command: str) -> str:
    is_padstal = command[: len(PADSTAL)] == PADSTAL
    status, said = _padstal(root, *command[len(PADSTAL) :]) if is_padstal else planted.run(root, *command)
    assert status != 0, f"{' '.join(command)}:\n{said}"
    assert said.strip()
    assert planted.in_text(said) == [], said
    return said


@pytest.mark.parametrize(
    ("command", "environment"),
    [
        ((*PADSTAL, "sync"), {}),
        ((*PADSTAL, "sync"), {"WANDB_BASE_URL": "http://someone:planted-slurm-password-0123@127.0.0.1:9"}),
        ((*PADSTAL, "compare", "no-such-revision"), {}),
        ((*PADSTAL, "wandb-report"), {}),
        (
            (sys.executable, "-m", "padstal.commands.post_comment"),
            {"GITHUB_API_URL": NOBODY, "GITHUB_REPOSITORY": "a/b", "GITHUB_EVENT_PATH": "event.json"},
        ),
        ((*DVC, "push", "--remote", "bucket"), {}),
    ],
    ids=["sync", "sync-userinfo", "compare", "report", "comment", "push"],
)
def test_a_command_that_fails_says_no_secret(
    repo: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    (repo / ".dvc" / "config.local").write_text(
        f"['remote \"bucket\"']\n    url = s3://music/cache\n    endpointurl = {NOBODY}\n"
    )
    sha = "0" * 40
    event = f'"event": "pull_request", "path": ".github/workflows/reproduce.yml", "head_sha": "{sha}", "id": 1'
    names = '"head_branch": "x", "conclusion": "success", "head_repository": {"full_name": "a/b"}'
    whole = f'{{"workflow_run": {{{event}, {names}, "repository": {{"full_name": "a/b"}}}}}}'
    (repo / "event.json").write_text(whole)
    _fails(repo, *command)
    assert planted.found(repo) == {}


@pytest.mark.parametrize(
    ("section", "changes", "command"),
    [
        ("ingest", {"sources": [{"kind": "s3", "uri": "s3://music/pile", "endpoint_url": NOBODY}]}, "scan"),
        ("ingest", {"sources": [{"kind": "s3", "uri": "s3://plantedkey:planted/bucket+pw@music/pile"}]}, "scan"),
        (
            "ingest",
            {
                "sources": [
                    {"kind": "s3", "uri": "s3://m/p", "endpoint_url": "http://a:planted-database-pw@127.0.0.1:9"}
                ]
            },
            "params",
        ),
        ("caption", {"merge": {"kind": "endpoint", "base_url": "https://a:planted-database-pw@h/v1"}}, "params"),
    ],
    ids=["unreachable bucket", "password in a bucket", "password in an endpoint", "password of a language model"],
)
def test_params_with_a_password_are_refused_without_repeating_it(
    repo: Path, section: str, changes: dict[str, object], command: str
) -> None:
    params = (repo / "params.yaml").read_text()
    try:
        tree = yaml.safe_load(params)
        tree["scales"]["demo"][section].update(changes)
        (repo / "params.yaml").write_text(yaml.safe_dump(tree))
        said = _fails(repo, *PADSTAL, command)
        assert "Traceback" not in said
    finally:
        (repo / "params.yaml").write_text(params)


def test_a_record_whose_server_is_gone_and_whose_config_is_the_environment_holds_none(repo: Path) -> None:
    status, said = planted.run(repo, sys.executable, "-c", LOGGED)
    assert status == 0, said
    assert planted.in_text(said) == []
    assert list((repo / "wandb").glob("offline-run-*"))
    assert planted.found(repo) == {}


def test_doctor_says_where_credentials_are_and_never_what(repo: Path) -> None:
    _, said = _padstal(repo, "doctor")
    assert "WANDB_API_KEY" in said
    assert planted.in_text(said) == []


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    secret = planted.WORDS[0].encode()
    assert all(any(mark in word.encode() for mark in (b"planted", b"PLANTED")) for word in planted.WORDS)
    (tmp_path / "large.bin").write_bytes(b"." * (2 << 20) + secret)
    (tmp_path / "plain.log").write_bytes(b"x" + secret)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(secret))
    start, block = b":W&B\0\0\0"[:7], 32 * 1024
    first = block - 7 - 7 - 5  # a record that fills a block but for five bytes of the secret and its header
    body = b"." * first + secret
    pieces = [body[: first + 5], body[first + 5 :]]
    headers = [b"\0" * 4 + len(piece).to_bytes(2, "little") + b"\2" for piece in pieces]
    (tmp_path / "run.wandb").write_bytes(start + headers[0] + pieces[0] + headers[1] + pieces[1])
    assert secret not in (tmp_path / "run.wandb").read_bytes()
    assert set(planted.found(tmp_path)) == {"plain.log", "packed.gz", "run.wandb", "large.bin"}
