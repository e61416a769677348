"""W&B's alias: on the artifact that holds the promoted bytes; whatever fails, the promotion stands."""

from types import SimpleNamespace
from typing import Any

import pytest

from padstal.operations.tracking import alias

ONLINE = {"mode": "online", "project": "padstal", "entity": "team"}


class Api:
    """W&B's public interface, as far as it is used."""

    def __init__(self, *versions: Any):
        self.versions, self.asked = versions, []

    def artifacts(self, kind: str, name: str) -> Any:
        self.asked.append((kind, name))
        return self.versions


def version(md5: str, saved: list[str]) -> SimpleNamespace:
    return SimpleNamespace(metadata={"md5": md5}, aliases=["latest"], save=lambda: saved.append(md5))


def test_the_version_with_the_promoted_bytes_gets_the_aliases() -> None:
    saved: list[str] = []
    api = Api(version("other.dir", saved), version("ours.dir", saved))
    assert alias.point("tal_dit", "ours.dir", "v1.1.0", **ONLINE, api=api)
    assert saved == ["ours.dir"]
    assert api.versions[1].aliases == ["latest", "champion", "v1.1.0"]
    assert api.asked == [("artefact", "team/padstal/tal_dit")]


def test_a_missing_version_or_a_server_that_fails_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    assert not alias.point("tal_dit", "ours.dir", "v1.1.0", **ONLINE, api=Api())
    assert "no version of team/padstal/tal_dit holds ours.dir" in capsys.readouterr().err
    assert not alias.point("tal_dit", "ours.dir", "v1.1.0", **ONLINE, api=SimpleNamespace())
    assert "the promotion stands" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_offline_nothing_is_asked(mode: str) -> None:
    api = Api()
    assert not alias.point("tal_dit", "ours.dir", "v1.1.0", mode=mode, project="padstal", api=api)
    assert api.asked == []
