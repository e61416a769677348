"""Nothing that is a secret reaches a record, and nothing that is not one is lost."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import typer
from flows.failure import FailureKind, StageFailedError

from padstal.cli_options import finish
from padstal.core.explain import explain
from padstal.core.params import ParamsError, check, read_yaml
from padstal.core.runtime import RuntimeParams
from padstal.core.secrets import looks_secret, redact, without_secrets
from padstal.ingest.captions_table import read_captions
from padstal.ingest.config import IngestParams
from padstal.stages.harness import run_stage


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "api_key",
        "AWS_SECRET_ACCESS_KEY",
        "hfToken",
        "password",
        "db-password",
        "WANDB_API_KEY",
        "SLURM_JWT",
        "DB_PASS",
        "auth",
        "PGPASSWORD",
        "DBPASSWORD",
        "SSHPASS",
        "SECRETKEY",
        "ACCESSKEY",
        "GITHUB_PAT",
        "api_keys",
    ],
)
def test_a_word_that_names_a_secret_makes_the_key_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "tokenizer",
        "max_tokens",
        "keyboard",
        "monkeys",
        "learning_rate",
        "secretary",
        "passes",
        "author",
        "low_pass",
        "highPass",
        "PATH",
        "tokens",
        "token_dim",
        "key_variable",
    ],
)
def test_words_that_only_contain_one_do_not(name: str) -> None:
    assert not looks_secret(name)


def test_secret_keys_are_dropped_at_any_depth() -> None:
    config = {
        "lr": 0.1,
        "api_key": "CANARY",
        "s3": [{"secret": "CANARY", "uri": "s3://a/b"}],
        "n": {"password": "CANARY", "m": (1, 2)},
    }
    assert without_secrets(config) == {"lr": 0.1, "s3": [{"uri": "s3://a/b"}], "n": {"m": [1, 2]}}


def test_values_of_secret_variables_are_removed_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "canary-canary")
    assert redact("GET /x?t=canary-canary") == "GET /x?t=[removed]"
    assert without_secrets({"note": "uses canary-canary"}) == {"note": "uses [removed]"}
    monkeypatch.setenv("SOME_TOKEN", "can+ary/canary")
    assert redact("GET /x?t=can%2Bary%2Fcanary") == "GET /x?t=[removed]"
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me:canary@canary@db/x")
    assert redact("wrong password canary@canary") == "wrong password [removed]"


AWKWARD = """a"b'c\\d e+f/g%é\nh"""


@pytest.mark.parametrize(
    "form",
    [
        str,
        repr,
        json.dumps,
        lambda secret: json.dumps(json.dumps({"sent": secret}, ensure_ascii=False)),
        quote,
        quote_plus,
        lambda secret: re.sub("%..", lambda byte: byte[0].lower(), quote(secret, safe="")),
    ],
)
@pytest.mark.parametrize(
    ("variable", "held"), [("SOME_TOKEN", AWKWARD), ("SOME_URL", f"db://me:{quote(AWKWARD, safe='')}@host/x")]
)
def test_a_secret_value_is_removed_however_it_is_escaped(
    monkeypatch: pytest.MonkeyPatch, variable: str, held: str, form: Callable[[str], str]
) -> None:
    monkeypatch.setenv(variable, held)
    assert redact(f"found {form(AWKWARD)}") == f"found {form('REMOVED')}".replace("REMOVED", "[removed]")


def test_the_folder_that_a_shell_is_in_is_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PWD", "/srv/music/library")
    monkeypatch.setenv("OLDPWD", "/srv/music")
    assert redact("/srv/music/library/params.yaml: not found") == "/srv/music/library/params.yaml: not found"


def test_passwords_in_urls_are_removed() -> None:
    assert redact("s3://user:pass@host/bucket and https://a/b") == "s3://[removed]@host/bucket and https://a/b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://AKIA:pa/ss+w@rd@bucket/x, then", "s3://[removed]@bucket/x, then"),
        ("https://token@host/x", "https://[removed]@host/x"),
        ("https://host/models@v1 and http://127.0.0.1:9/x", "https://host/models@v1 and http://127.0.0.1:9/x"),
    ],
)
def test_a_password_may_hold_slashes_and_ats(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "cannot reach AKIA:hunter2@scheduler:8786",  # no scheme
        "address = 'user:hunter2@[::1]:8786'",
        "https://bucket.example/a.wav?X-Amz-Signature=hunter2&id=7",
        "https://example.org/a.wav?token=hunter2#t=3",
        "postgresql: host=db password=hunter2 dbname=x",
        "sent Authorization: Bearer hunter2-hunter2",
        "sent Authorization: token hunter2",
        "X-Api-Key: hunter2",
        "Set-Cookie: session=hunter2",
        "https://x.example/a?auth=hunter2",
        "https://x.blob.core.windows.net/a?sv=1&sig=hunter2%3D&se=2",
        "tried {'password': 'hunter2', 'n': 1}",
        'sent {"api_key":"hunter2"}',
        "scale: demo\npassword: hunter2 x",
        'password = "hunter2 x"',
        "padstal --token hunter2",
        "ghp_hunter2aaaaaaaaaaaaaaaaaaaa is wrong",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
        '{"headers": {"X-Api-Key": "hunter2"}}',
        "address = 'https://h/?token=hunter2'",
        "{kind: dask, password: hunter2}",
        "executor: {kind: dask, password: !!x 'a, hunter2'",
        "{'credentials': {'a': {'b': 1}, 'c': 'hunter2'}}",
        '{"password": "a\\"hunter2"}',
        r'"{\"password\": \"a\\\"hunter2\"}"',
        "{password: 'it''s hunter2'}",
        'password = "a hunter2',
    ],
)
def test_a_password_without_a_scheme_and_a_token_in_a_query_are_removed(text: str) -> None:
    assert "hunter2" not in redact(text)
    assert "[removed]" in redact(text)
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "sample@tal_dit failed: data/demo/curate/dataset.parquet: not found",
        "tal-dit@v1.0.0 is champion; git@forge.example:team/padstal.git",
        "scales.demo.ingest.sample_rate = 7: expected max_tokens=5 at 12:30",
        "https://www.youtube.com/watch?v=abc&t=3",
        "KeyError: 'scale'",
        "key: missing; found {'key': 'C minor'}",
        "runtime.api_key: unknown key; expected device",
        "a password, a token or a key: see {tokens: 128, token_dim: 8, key: C minor}",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


RUNTIME: dict[str, Any] = {"device": "cpu", "workers": 1, "threads": 1}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"executor": {"kind": "dask", "address": 5, "passwd": "hunter2"}}, "runtime.executor"),
        ({"wandb": "hunter2"}, "runtime.wandb: unknown key"),
        ({"nested": {"deep": "hunter2"}}, "runtime.nested: unknown key"),
        ({"workers": "tcp://user:hunter2@host:1"}, "runtime.workers"),
        ({"workers": "user:hunter2@host:1"}, "runtime.workers"),
        ({"workers": [{"password": "hunter2"}]}, "runtime.workers"),
        ({"workers": "https://h/?X-Amz-Signature=hunter2"}, "runtime.workers"),
        ({"workers": "x" * 180 + " tcp://user:hunter2" + "x" * 30 + "@host:1"}, "runtime.workers"),
    ],
)
def test_an_error_of_params_names_the_key_and_repeats_no_secret(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ParamsError) as raised:
        check(RuntimeParams, {**RUNTIME, **changes}, "runtime")
    assert named in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "line",
    [
        "address: [tcp://user:hunter2@host:1\n  b: c",
        "executor: {kind: dask, password: hunter2",
        "executor: {password: hunter2, password: hunter2}",
        "executor: {password: !!x hunter2}",
        "executor: {password: !!int hunter2}",
        "executor: !!int https://h/?token=hunter2",
        "password: x\npassword: hunter2",
    ],
)
def test_broken_params_are_shown_without_their_passwords(tmp_path: Path, line: str) -> None:
    (tmp_path / "params.yaml").write_text(f"scale: demo\n{line}")
    with pytest.raises(ParamsError, match="not valid YAML") as raised:
        read_yaml(tmp_path / "params.yaml")
    assert "hunter2" not in str(raised.value)


def test_the_table_of_params_shows_an_address_without_its_password() -> None:
    runtime = check(RuntimeParams, {**RUNTIME, "executor": {"kind": "dask", "address": "tcp://u:hunter2@h:1"}}, "x")
    shown = {one.path: one.value for one in explain(runtime, "runtime")}
    assert shown["runtime.executor.address"] == "tcp://[removed]@h:1"


def test_a_row_of_a_captions_table_keeps_no_password_of_its_address(tmp_path: Path) -> None:
    table = tmp_path / "captions.csv"
    table.write_text("path,source_url\na.wav,https://me:hunter2@archive.example/a.wav?token=hunter2&n=1\n")
    [row] = read_captions(table, ["a.wav"]).rows.values()
    assert row.source_url == "https://[removed]@archive.example/a.wav?token=[removed]&n=1"


def test_a_command_and_a_stage_that_fail_repeat_no_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail() -> int:
        raise ValueError("cannot reach tcp://user:hunter2@host:1")

    def break_down() -> int:
        raise TypeError("cannot reach tcp://user:hunter2@host:1")

    for command in (fail, break_down):
        with pytest.raises(typer.Exit):
            finish(command)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("scale: user:hunter2@host")
    monkeypatch.setattr("sys.argv", ["ingest"])
    monkeypatch.setattr("sys.excepthook", sys.excepthook)
    with pytest.raises(SystemExit):
        run_stage("ingest", IngestParams, lambda stage: None)
    sys.excepthook(TypeError, TypeError("expected no tcp://user:hunter2@host:1"), None)
    told = capsys.readouterr().err
    assert "padstal: cannot reach tcp://[removed]@host:1" in told
    assert "TypeError: cannot reach tcp://[removed]@host:1" in told
    assert "TypeError: expected no tcp://[removed]@host:1" in told
    assert "ingest failed: scale = '[removed]@host'" in told
    assert "hunter2" not in told
    assert "hunter2" not in str(StageFailedError("ingest", FailureKind.STAGE, "tcp://user:hunter2@host:1"))
