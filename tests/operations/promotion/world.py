"""A real repository with a bare git origin and a DVC remote, whose "models" are recipes for tones."""

import json
import logging
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tests.evaluation.fakes import GENRES, RATE, SAMPLES, FakeClap, FakePmos, FakeTagger, pcm, tone, write_world

from padstal.core.data.atomic import write_json
from padstal.core.data.manifest import read_table, write_table
from padstal.core.paths import Paths
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.hear import Ears
from padstal.operations.promotion import challenge as challenges
from padstal.operations.promotion import decision as decisions
from padstal.operations.promotion import frozen, register
from padstal.operations.promotion.decision import Decision
from padstal.sampling.grid import choose_prompts
from padstal.stages.params import load_tree

ROOT = Path(__file__).resolve().parents[3]
GOOD = {"spread": 20.0, "stray": 0.3, "noise": 0.02}
"""Tones near their genre's, with some of other genres and little noise."""
BETTER = {**GOOD, "spread": 26.0, "stray": 0.25}
"""More diverse than `GOOD`, and no worse in anything."""
ASTRAY = {**GOOD, "stray": 0.8}
FOLDERS = (
    "models/demo/diffusion/tal_dit",
    "models/demo/vae/tal",
    *(f"models/demo/foundation/{role}" for role in ("text_encoder", "clap", "tagger", "pmos")),
)
METRICS: dict[str, dict[str, Any]] = {
    **{f"gate_{item}": {"broken": 0, "expectations": 3} for item in ("ingest", "curate")},
    **{
        f"validate_{item}": {"features_compared": 5, "features_drifted": 0, "clips_of_licence": {"CC-BY-4.0": 62}}
        for item in ("ingest", "curate")
    },
}
PROMOTE: dict[str, Any] = {"prompts": 16, "least_prompts": 8, "draws": 300}


@dataclass(frozen=True)
class World:
    """A clone, its origin and the DVC remote."""

    root: Path
    origin: Path
    store: Path

    def git(self, *arguments: str) -> str:
        return git(self.root, *arguments)

    def clone(self, name: str) -> "World":
        """Another clone with a DVC cache of its own."""
        root = self.root.parent / name
        git(self.root.parent, "clone", "-q", str(self.origin), str(root))
        return World(root, self.origin, self.store)

    def copy(self, folder: Path) -> "World":
        """All of it in a new folder: the parts name one another by paths from one to the other."""
        shutil.copytree(self.root.parent, folder, symlinks=True)
        return World(*(folder / part.name for part in (self.root, self.origin, self.store)))

    def params(self, **changes: Any) -> None:
        """Change values of `promote`."""
        file = self.root / "params.yaml"
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
        tree["promote"] |= changes
        file.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")

    def train(self, recipe: dict[str, float], *, branch: str = "retrain/one", push_data: bool = True) -> str:
        """A branch with a new model, committed; its objects in the DVC remote unless told otherwise."""
        self.git("switch", "-q", "-C", branch)
        write_recipe(self.root, recipe)
        return self.commit("Train", push_data=push_data)

    def commit(self, subject: str, *, push_data: bool = True) -> str:
        """Record outputs with DVC and everything with git; the commit."""
        from dvc.repo import Repo

        with Repo(str(self.root)) as repo:
            repo.commit(force=True)
            if push_data:
                repo.push()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "HEAD")

    def challenge(self, file: Path, asked: str | None = None) -> Decision:
        """A decision on the workspace, written to `file`."""
        paths, params = Paths(self.root, "demo"), load_tree(self.root / "params.yaml")
        params.scales.demo.ingest.__dict__["sample_rate"] = RATE  # fewer than params may have
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(challenges, "play_child", play)
            patch.setattr(challenges, "load_ears", ears)
            made = challenges.challenge(paths, params, "tal_dit", register.read(self.root, "tal-dit"), asked)
        decisions.write(file, made)
        return made

    def tags(self) -> list[str]:
        """Tags that the origin holds."""
        return git(self.origin, "tag", "--list").split()


def make_world(folder: Path) -> World:
    """An origin whose `main` has data, code and a first model, and a clone of it."""
    origin, store, root = folder / "origin.git", folder / "store", folder / "repo"
    git(folder, "init", "-q", "--bare", "-b", "main", str(origin))
    git(folder, "clone", "-q", str(origin), str(root))
    git(root, "remote", "set-url", "origin", f"../{origin.name}")
    for name in (".gitignore", ".dvcignore"):
        (root / name).write_bytes((ROOT / name).read_bytes())
    raw = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    raw["promote"] |= PROMOTE
    raw["tracking"]["mode"] = "disabled"
    (root / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    real = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
    outs = [*FOLDERS, "data/demo/gate/ingest", "data/demo/gate/curate", "reports/demo/model_cards"]
    stage = {"cmd": "true", "outs": [out.replace("/demo/", "/${scale}/") for out in outs]}
    content = {"stages": {"all": stage}, "artifacts": real["artifacts"]}
    (root / "dvc.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (root / "src").mkdir()
    (root / "src" / "code.py").write_text("answer = 42\n")
    _data(Paths(root, "demo"))
    write_recipe(root, GOOD)
    _dvc(root, f"../../{store.name}")
    world = World(root, origin, store)
    world.git("switch", "-q", "-C", "main")
    world.commit("Begin")
    world.git("push", "-q", "-u", "origin", "main")
    return world


def write_recipe(root: Path, recipe: dict[str, float]) -> None:
    """New weights: another recipe for tones."""
    folder = root / "models/demo/diffusion/tal_dit"
    for file in folder.glob("*"):
        file.unlink()
    (folder / "model.safetensors").write_text(json.dumps(recipe))
    write_json(folder / "config.json", {"codec": "tal"})


def play(home: Path, frozen_file: Path, out: Path, system: str, method: str) -> None:
    """Stand-in for `play`: tones as the weights in `home` say."""
    recipe = json.loads((home / f"models/demo/diffusion/{system}/model.safetensors").read_text())
    prompts, _ = frozen.read(frozen_file)
    audio = []
    for number, prompt in enumerate(prompts.prompts):
        genre = prompt.prompt.split(",")[0]
        for seed in prompts.seeds:
            for take in range(prompts.samples_per_seed):
                chance = np.random.default_rng([seed, take, number])
                own = tone(genre, chance.uniform(0, 6), chance.uniform(-1, 1) * recipe["spread"])
                stray = tone(GENRES[chance.integers(4)], chance.uniform(0, 6))
                noise = recipe["noise"] * chance.standard_normal(SAMPLES)
                audio.append(pcm((1 - recipe["stray"]) * own + recipe["stray"] * stray + noise))
    out.mkdir(parents=True)
    np.save(out / "audio.npy", np.stack(audio))
    write_json(out / "record.json", {"sample_rate": RATE, "method": method})


def ears(folder_of: Callable[[str], Path], evaluate: EvaluateParams, device: str) -> Ears:
    assert (folder_of("clap") / "model.safetensors").is_file()
    return Ears(FakeClap(), FakeTagger(), FakePmos(), evaluate.windows, 0)


def freeze(paths: Paths, count: int = 16) -> frozen.FrozenPrompts:
    """Frozen prompts of the world's test split."""
    dataset = read_table(paths.curate / "dataset.parquet")
    prompts = choose_prompts(dataset, {"tune": 0, "test": count}, 5)
    rows = prompts.drop(columns="role").to_dict("records")
    return frozen.FrozenPrompts("demo", (101, 102), 2, tuple(frozen.Prompt(**row) for row in rows))


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def _data(paths: Paths) -> None:
    write_world(paths.data, paths.models)
    file = paths.curate / "dataset.parquet"
    table = read_table(file)
    captions = [f"{text}, take {number}" for number, text in enumerate(table["caption"])]
    write_table(table.assign(caption=captions, track_seconds=1.0), file)
    for folder in FOLDERS:
        (paths.root / folder).mkdir(parents=True, exist_ok=True)
        (paths.root / folder / "model.safetensors").write_text(f"weights of {folder}")
    for item in ("ingest", "curate"):
        write_json(paths.gate(item) / "passed.json", {"broken": 0})
    for name, content in METRICS.items():
        write_json(paths.metrics(name), content)
    paths.model_cards.mkdir(parents=True)
    (paths.model_cards / "tal_dit.md").write_text("# A card\n")
    frozen.write(paths.frozen_prompts, freeze(paths))


def _dvc(root: Path, store: str) -> None:
    """Settings; `store` is the remote's path from their folder."""
    (root / ".dvc").mkdir()
    (root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    config = f"""[core]
    analytics = false
    check_update = false
    remote = store
['remote "store"']
    url = {store}
    verify = true
"""
    (root / ".dvc" / "config").write_text(config)


def quiet(monkeypatch: Any, folder: Path) -> None:
    """A git identity, and nothing outside the test's folder; DVC's log does not go to another test's closed output."""
    import dvc.repo  # noqa: F401  (sets its log up)

    monkeypatch.setattr(logging.getLogger("dvc"), "handlers", [])
    for name, value in {
        "GIT_AUTHOR_NAME": "tester",
        "GIT_AUTHOR_EMAIL": "tester@example.invalid",
        "GIT_COMMITTER_NAME": "tester",
        "GIT_COMMITTER_EMAIL": "tester@example.invalid",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(folder / "site-cache"),
    }.items():
        monkeypatch.setenv(name, value)
