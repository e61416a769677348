"""Nothing that is a secret reaches a record, and nothing that is not one is lost."""

from pathlib import Path

import pytest

from padstal.operations.tracking.secrets import looks_secret, redact, wandb_credentials, without_secrets


@pytest.mark.parametrize(
    "name",
    ["key", "api_key", "AWS_SECRET_ACCESS_KEY", "hfToken", "password", "db-password", "WANDB_API_KEY", "SLURM_JWT"],
)
def test_a_word_that_names_a_secret_makes_the_key_secret(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", ["tokenizer", "max_tokens", "keyboard", "monkeys", "learning_rate", "secretary"])
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


def test_where_credentials_are_is_said_but_never_what(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.delenv("WANDB_IDENTITY_TOKEN_FILE", raising=False)
    netrc = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    assert wandb_credentials() is None
    netrc.write_text("machine 127.0.0.1 login user password canary\n")
    netrc.chmod(0o600)
    assert wandb_credentials() == "netrc"
    monkeypatch.setenv("WANDB_API_KEY", "canary")
    assert wandb_credentials() == "WANDB_API_KEY"
