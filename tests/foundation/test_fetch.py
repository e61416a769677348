"""Fetching: from a folder by content, from a hub by commit only."""

import pytest
from tests.foundation.pinned import pinned, with_sha256

from padstal.core.data.content import sha256_file
from padstal.core.untrusted import UntrustedFileError
from padstal.foundation.fetch import UNVERIFIED, FetchError, fetch, verify


def test_files_of_a_local_folder_are_copied_and_checked(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "vocab.json").write_text("{}")
    found = fetch(pinned(source, "vocab.json"), tmp_path / "target")
    assert found["vocab.json"].read_text() == "{}"
    with pytest.raises(UntrustedFileError, match=r"vocab.json"):
        fetch(with_sha256(source, {"vocab.json": "f" * 64}), tmp_path / "target")


@pytest.mark.parametrize("revision", ["main", "unverified", "v1.0"])
def test_a_revision_that_can_move_is_refused(tmp_path, revision):
    with pytest.raises(FetchError, match=rf"{revision}.*commit"):
        fetch(with_sha256("owner/name", {"weights.pt": "0" * 64}, revision), tmp_path)


def test_without_a_hub_the_message_names_file_and_repository(tmp_path, monkeypatch):
    import huggingface_hub

    def unreachable(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    with pytest.raises(FetchError, match=r"owner/name@a{40}: weights.pt: cannot be fetched .ConnectionError"):
        fetch(with_sha256("owner/name", {"weights.pt": "0" * 64}, "a" * 40), tmp_path)


def test_an_unverified_sha256_is_refused_with_a_way_out(tmp_path):
    file = tmp_path / "weights.pt"
    file.write_bytes(b"anything")
    with pytest.raises(UntrustedFileError, match=rf"unverified.*{sha256_file(file)}.*params.yaml"):
        verify(file, UNVERIFIED)
