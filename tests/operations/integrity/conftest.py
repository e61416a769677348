"""An S3 server for the tests of this folder: the one of the storage's tests, with pages of S3's own length."""

import pytest
from tests.ingest.s3 import conftest as storage
from tests.ingest.s3.s3_server import S3Server

_one_loader = storage._one_loader
small_pages = storage.server


@pytest.fixture
def server(small_pages: S3Server) -> S3Server:
    """A server with a bucket `music`, and its credentials in the environment."""
    small_pages.page = 1000
    return small_pages
