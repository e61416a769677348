"""Where W&B's credentials are is said, never what they are."""

from pathlib import Path

import pytest

from padstal.operations.tracking.credentials import wandb_credentials


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
