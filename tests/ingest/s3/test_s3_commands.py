"""`padstal scan` and `padstal doctor` on a bucket: what is there, what is missing, and no secret in either."""

import shutil
from pathlib import Path

import pytest
import yaml
from tests.ingest.s3.s3_server import S3Server
from typer.testing import CliRunner

from padstal.cli import app
from padstal.commands.doctor import _buckets

PARAMS = Path(__file__).resolve().parents[3] / "params.yaml"


@pytest.fixture
def root(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository's root whose demo reads `s3://music/p`."""
    raw = yaml.safe_load(PARAMS.read_text())
    quick = {"attempts": 1, "timeout_seconds": 2.0}
    source = {"kind": "s3", "uri": "s3://music/p", "endpoint_url": server.url, "fetch": quick}
    raw["scales"]["demo"]["ingest"]["sources"] = [source]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_scan_says_what_changed_in_a_bucket(server, root):
    for name in ("a.wav", "b.wav"):
        server.put("music", f"p/{name}", name.encode())
    assert "1 sources, 2 files" in CliRunner().invoke(app, ["scan"]).output
    listing = root / "data" / "demo" / "sources.json"
    before = listing.read_bytes()
    assert "0 added, 0 changed, 0 removed" in CliRunner().invoke(app, ["scan"]).output
    assert listing.read_bytes() == before
    server.put("music", "p/a.wav", b"other")
    server.put("music", "p/c.wav", b"c")
    del server.bucket("music")["p/b.wav"]
    assert "1 added, 1 changed, 1 removed" in CliRunner().invoke(app, ["scan"]).output
    assert server.secret_key.encode() not in listing.read_bytes()


def test_scan_of_a_bucket_that_refuses_us_is_one_message(server, root, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOTHER")
    shown = CliRunner().invoke(app, ["scan"])
    assert shown.exit_code == 1
    assert "InvalidAccessKeyId" in shown.output
    assert "set AWS_ACCESS_KEY_ID" in shown.output
    assert "Traceback" not in shown.output
    assert not (root / "data" / "demo" / "sources.json").exists()


@pytest.mark.slow
def test_doctor_says_whether_a_bucket_answers_and_how_we_are_known(server, root, monkeypatch):
    [finding] = _buckets(root)
    assert (finding.what, finding.mark, finding.found) == ("s3://music/p", "ok", "answers; credentials: env")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    [finding] = _buckets(root)
    assert finding.mark == "missing"
    assert "SignatureDoesNotMatch" in finding.found
    del server.objects.buckets["music"]
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    [finding] = _buckets(root)
    assert "NoSuchBucket" in finding.found


def test_doctor_says_nothing_where_there_is_no_bucket(root):
    shutil.copy(PARAMS, root / "params.yaml")
    assert list(_buckets(root)) == []
