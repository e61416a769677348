"""A ledger is the sorted set of files of a training, and says so of itself."""

import hashlib
import json

import pytest

from padstal.core.data.track_ledger import read_ledger, write_ledger

SHAS = [hashlib.sha256(bytes([number])).hexdigest() for number in range(9)]


def test_a_ledger_is_the_same_bytes_whatever_order_clips_come_in(tmp_path):
    write_ledger(tmp_path / "a.json", tmp_path / "model_a", [*SHAS, *SHAS])
    write_ledger(tmp_path / "b.json", tmp_path / "model_b", reversed(SHAS))
    content = (tmp_path / "a.json").read_bytes()
    assert content == (tmp_path / "b.json").read_bytes()
    assert read_ledger(content) == set(SHAS)
    root = json.loads((tmp_path / "model_a/tracks.json").read_text())
    assert root == {"tracks": 9, "sha256": hashlib.sha256(content).hexdigest()}
    assert not any(sha in (tmp_path / "model_a/tracks.json").read_text() for sha in SHAS)
    assert content.count(b"\n") >= 9, "one a line, so that git keeps a later ledger as a difference"


@pytest.mark.parametrize("wrong", [[], ["short"], [SHAS[0].upper()], [None]])
def test_what_is_no_digest_is_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="no ledger"):
        write_ledger(tmp_path / "a.json", tmp_path, wrong)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", json.dumps({"sha256": SHAS[::-1], "tracks": 9}).encode()])
def test_a_file_that_is_no_ledger_is_told(content):
    with pytest.raises(ValueError, match="no ledger"):
        read_ledger(content)
