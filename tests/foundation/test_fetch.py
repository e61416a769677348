"""Fetching: from a folder by content, from a hub by commit only."""

import pytest

from padstal.core.data.content import sha256_file
from padstal.foundation.fetch import FetchError, Published, fetch
from padstal.foundation.store import UntrustedFileError


def test_files_of_a_local_folder_are_copied_and_checked(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "vocab.json").write_text("{}")
    published = Published(str(source), "local", {"vocab.json": sha256_file(source / "vocab.json")})
    found = fetch(published, tmp_path / "target")
    assert found["vocab.json"].read_text() == "{}"
    with pytest.raises(UntrustedFileError, match=r"vocab.json"):
        fetch(Published(str(source), "local", {"vocab.json": "f" * 64}), tmp_path / "target")


@pytest.mark.parametrize("revision", ["main", "unverified", "v1.0"])
def test_a_revision_that_can_move_is_refused(tmp_path, revision):
    with pytest.raises(FetchError, match=rf"{revision}.*commit"):
        fetch(Published("owner/name", revision, {"weights.pt": "0" * 64}), tmp_path)


def test_without_a_hub_the_message_names_file_and_repository(tmp_path, monkeypatch):
    import huggingface_hub

    def unreachable(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", unreachable)
    with pytest.raises(FetchError, match=r"owner/name@a{40}: weights.pt: cannot be fetched .ConnectionError"):
        fetch(Published("owner/name", "a" * 40, {"weights.pt": "0" * 64}), tmp_path)
