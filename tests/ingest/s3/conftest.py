"""An S3 server for the tests of this folder, with its credentials in the environment."""

from collections.abc import Iterator

import botocore.session
import pytest
from botocore.loaders import create_loader
from botocore.retries.standard import ExponentialBackoff
from tests.ingest.s3.s3_server import S3Server


@pytest.fixture(autouse=True, scope="session")
def _one_loader() -> Iterator[None]:
    """Clients read S3's model from disk once, not each for itself; it takes most of a client's time."""
    loader = create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lambda *arguments: loader)
        yield


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between a request that failed and the next, which otherwise take seconds."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *arguments: 0.01)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A server with pages of 7 names and a bucket `music`."""
    with S3Server(page=7) as running:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        running.bucket("music")
        yield running
