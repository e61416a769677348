"""A champion is what the newest tag points at, with the content that `dvc.lock` had there."""

import subprocess
from pathlib import Path

import pytest

from padstal.operations.tracking import champions as module
from padstal.operations.tracking.artefact import Artefact
from padstal.operations.tracking.champions import champions

DVC = "artifacts:\n  tal-vae: {path: 'models/${scale}/vae/tal', type: model}\n"
LOCK = "stages: {train: {cmd: t, outs: [{path: models/demo/vae/tal, md5: %s.dir, size: 1, nfiles: 1}]}}\n"


def _git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    subprocess.run(["git", *who, *arguments], cwd=root, check=True)


def _commit(root: Path, md5: str, tag: str) -> None:
    (root / "dvc.lock").write_text(LOCK % md5)
    _git(root, "add", ".")
    _git(root, "commit", "-qm", md5)
    _git(root, "tag", "-am", "promoted", tag)


def test_the_highest_number_rules_and_a_rollback_is_a_newer_tag_on_an_older_commit(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    (tmp_path / "dvc.yaml").write_text(DVC)
    (tmp_path / "params.yaml").write_text("scale: demo\n")
    _commit(tmp_path, "a" * 32, "tal-vae#champion#9")
    _commit(tmp_path, "b" * 32, "tal-vae#champion#10")
    assert {model: one.md5 for model, one in champions(tmp_path).items()} == {"tal-vae": "b" * 32 + ".dir"}
    _git(tmp_path, "tag", "-am", "rolled back", "tal-vae#champion#11", "HEAD~1")
    _git(tmp_path, "tag", "tal-vae@v1.0.0")
    _git(tmp_path, "tag", "tal-vae#staging#12")
    assert champions(tmp_path)["tal-vae"].md5 == "a" * 32 + ".dir"


def test_a_model_that_the_repository_does_not_declare_is_left_out(tmp_path: Path) -> None:
    _git(tmp_path, "init", "-q")
    _commit(tmp_path, "a" * 32, "other#champion#1")
    assert champions(tmp_path) == {}


def test_without_git_there_is_none(tmp_path: Path) -> None:
    assert champions(tmp_path) == {}


MODEL = Artefact("models/demo/diffusion/tal_dit", "a" * 32 + ".dir")


class _Server:
    """W&B's server: versions by collection and content, the aliases that were given, whom it is asked as."""

    def __init__(self, *known: tuple[str, str]):
        self.known, self.given, self.asked = known, [], []

    def __call__(self, project: str, entity: str | None) -> "_Server":
        self.asked.append((project, entity))
        return self

    def name(self, artefact: Artefact, alias: str) -> bool | None:
        if (artefact.collection, artefact.content_alias) not in self.known:
            return None
        self.given.append(alias)
        return True


def _name(monkeypatch: pytest.MonkeyPatch, server: object, mode: str = "online") -> bool:
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setattr(module, "Server", server)
    return module.name_champion(MODEL, "v1.1.0", mode=mode, project="padstal", entity="team")


def test_the_version_with_the_promoted_bytes_gets_the_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    server = _Server(("diffusion-tal_dit", f"md5-{'a' * 32}"))
    assert _name(monkeypatch, server)
    assert (server.given, server.asked) == (["champion", "v1.1.0"], [("padstal", "team")])


def test_a_missing_version_or_a_server_that_fails_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not _name(monkeypatch, _Server())
    assert f"no version of diffusion-tal_dit holds {MODEL.md5}" in capsys.readouterr().err
    assert not _name(monkeypatch, lambda project, entity: 1 / 0)
    assert "the promotion stands" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_offline_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    server = _Server()
    assert not _name(monkeypatch, server, mode)
    assert server.asked == []
