"""A challenge: champion and challenger made ready, both play the frozen prompts, judges listen, the gate decides.

The judges (CLAP, tagger, p-MOS) and the words they know are the champion's, so that no challenger brings its own ruler;
without a champion they are the workspace's. Held-out clips are the workspace's: what has been erased since is not asked
for again.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.core.data.atomic import read_json
from padstal.core.data.content import sha256_file
from padstal.core.paths import Paths
from padstal.core.revisions import WORKSPACE, Tree, open_tree
from padstal.core.yaml_text import parse_yaml
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.hear import JUDGES, Ears, Progress, load_ears
from padstal.operations.config import PromoteParams
from padstal.operations.promotion import data_facts, frozen, objects
from padstal.operations.promotion import frozen_evaluation as hearing
from padstal.operations.promotion.decision import Decision, Side, rounded
from padstal.operations.promotion.gate import Evidence, Thresholds, decide
from padstal.operations.promotion.head_to_head import HeadToHead, head_to_head
from padstal.operations.promotion.register import Register
from padstal.rights.policy import Policy

NONE = "none"
Play = Callable[[Path, Path, Path, str, str], None]
LoadEars = Callable[[Callable[[str], Path], EvaluateParams, str], Ears]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Setup:
    """What a challenge is made with.

    Attributes:
        paths: The workspace, which is the challenger.
        model: System, e.g. "tal_dit".
        promote, evaluate, policy: From params; the licence policy is that of `ingest`.
        sample_rate: Of the held-out clips, in Hz.
        device: "cpu" or "cuda", for the judges.
    """

    paths: Paths
    model: str
    promote: PromoteParams
    evaluate: EvaluateParams
    policy: Policy
    sample_rate: int
    device: str

    @property
    def name(self) -> str:
        return promoted_name(self.model)


@dataclass(frozen=True)
class Opponent:
    """A champion to compare with."""

    version: str
    tree: Tree


def promoted_name(model: str) -> str:
    """What a model is called in tags (GTO knows no underscores): "tal_dit" → "tal-dit"."""
    return model.replace("_", "-")


def thresholds(params: PromoteParams) -> Thresholds:
    """What the gate asks for."""
    return Thresholds(
        params.least_prompts,
        dict(params.margins),
        params.better_in,
        params.floors.model_dump(),
        params.accepted_licences,
        params.drifted_features,
    )


def opponent(root: Path, register: Register, asked: str | None) -> Opponent | None:
    """Whom to compare with: a version or revision that is asked for, else the champion; `None` for nobody.

    Raises:
        ValueError: There is no such version or revision.
    """
    if asked == NONE:
        return None
    if asked is None:
        champion = register.champion
        return Opponent(champion.name, open_tree(root, champion.commit)) if champion is not None else None
    wanted = asked.removeprefix(f"{register.model}@")
    version = next((one for one in register.versions if one.name == wanted), None)
    if version:
        return Opponent(version.name, open_tree(root, version.commit))
    tree = open_tree(root, asked)
    known = register.version_at(tree.commit)
    return Opponent(known.name if known else "", tree)


def challenge(
    setup: Setup,
    register: Register,
    asked: str | None,
    *,
    play: "Play | None" = None,
    load_ears: LoadEars = load_ears,
    say: Say = lambda text: None,
    progress: Progress = iter,
) -> Decision:
    """Let them play and decide.

    Args:
        setup: With what.
        register: Who is champion.
        asked: See `opponent`.
        play: Generates; `play_child` unless a test says otherwise.
        load_ears: Loads the judges.
        say: Tells the person who watches.
        progress: Wraps the batches that the judges listen to.

    Raises:
        FileNotFoundError: Frozen prompts, a data set or a model is missing.
        ValueError: The workspace is not what its `dvc.lock` says, or the two do not compare.
    """
    paths, root, play = setup.paths, setup.paths.root, play or play_child
    prompts, digest = frozen.read(paths.frozen_prompts)
    if prompts.scale != paths.scale:
        raise ValueError(f"{paths.frozen_prompts}: prompts of scale {prompts.scale}, expected {paths.scale}")
    workspace, other = open_tree(root, WORKSPACE), opponent(root, register, asked)
    if not workspace.commit:
        raise ValueError(f"{root}: nothing is committed yet; a decision names the challenger's commit")
    outs = objects.outs_at(root, WORKSPACE, objects.needed(root, WORKSPACE, paths.scale, setup.model))
    objects.check_workspace(root, outs)
    if other is not None:
        _check_scale(other, paths.scale)

    folder = root / ".state"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="challenge-", dir=folder) as temporary:
        hall = Path(temporary)
        say(f"the challenger, {workspace.commit[:12]}, plays {len(prompts.prompts)} prompts × {prompts.samples}")
        play(root, paths.frozen_prompts, hall / "challenger", setup.model, setup.promote.method)
        judges, of = paths, f"the challenger, {workspace.commit[:12]}"
        champion_outs: dict[str, str] = {}
        if other is not None:
            who = other.version or other.tree.commit[:12]
            theirs = objects.needed(root, other.tree.commit, paths.scale, setup.model)
            champion_outs = objects.outs_at(root, other.tree.commit, theirs)
            say(f"the champion, {who}, comes from DVC's cache or remote")
            objects.materialise(root, other.tree.commit, champion_outs, hall / "home", code=True)
            say(f"the champion, {who}, plays the same")
            play(hall / "home", paths.frozen_prompts, hall / "champion", setup.model, setup.promote.method)
            judges, of = Paths(hall / "home", paths.scale), f"the champion, {who}"
        say(f"the judges of {of} listen")
        found, clips = _judge(setup, prompts, judges, hall, other is not None, load_ears, progress)
        sampling = {name: _sampling(hall / name) for name in ("challenger", "champion")}
        fingerprints = {role: sha256_file(judges.foundation(role) / "model.safetensors") for role in JUDGES}

    evidence = rounded(_evidence(setup, len(prompts.prompts), found, workspace, other))
    limits = thresholds(setup.promote)
    return Decision(
        model=setup.name,
        scale=paths.scale,
        challenger=Side("", workspace.commit, outs, sampling["challenger"]),
        changed=workspace.changed,
        replaces=register.champion.name if register.champion else "",
        champion=Side(other.version, other.tree.commit, champion_outs, sampling["champion"]) if other else None,
        judges={"of": of, **fingerprints},
        design={
            "prompts": len(prompts.prompts),
            "samples_a_prompt": prompts.samples,
            "seeds": list(prompts.seeds),
            "frozen_prompts": digest,
            "reference_clips": clips,
            "draws": setup.promote.draws,
            "confidence": setup.promote.confidence,
            "recall_neighbours": setup.evaluate.recall_neighbours,
        },
        evidence=evidence,
        thresholds=limits,
        verdict=decide(evidence, limits),
    )


def play_child(home: Path, frozen_file: Path, out: Path, system: str, method: str) -> None:
    """Run `generate_frozen` of the revision in `home`.

    Raises:
        ValueError: It failed.
    """
    source = home / "src"
    path = os.pathsep.join([str(source)] * source.is_dir() + [one for one in [os.environ.get("PYTHONPATH", "")] if one])
    command = [
        sys.executable,
        "-m",
        "padstal.operations.promotion.generate_frozen",
        str(frozen_file),
        str(out),
        system,
        method,
    ]
    done = subprocess.run(command, cwd=home, env={**os.environ, "PYTHONPATH": path}, check=False)
    if done.returncode != 0:
        raise ValueError(
            f"{system} of {home} could not generate (exit status {done.returncode}, its message above); "
            f"a champion that cannot play is left out with --champion {NONE}"
        )


def _judge(
    setup: Setup,
    prompts: frozen.FrozenPrompts,
    judges: Paths,
    hall: Path,
    compared: bool,
    load_ears: LoadEars,
    progress: Progress,
) -> tuple[HeadToHead, int]:
    evaluate, params = setup.evaluate, setup.promote
    ears = load_ears(judges.foundation, evaluate, setup.device)
    clips = hearing.held_out(setup.paths, ears, setup.sample_rate, evaluate, progress)
    played = {
        name: hearing.samples(hall / name, prompts, ears, evaluate.batch_clips, progress)
        for name in ("challenger", *(("champion",) if compared else ()))
    }
    reference = clips.reference(clips.table["clip_id"].tolist())
    asked = hearing.prompts_of(prompts, ears)
    found = head_to_head(
        played["challenger"], played.get("champion"), asked, reference, params, evaluate.recall_neighbours
    )
    return found, len(reference.heard)


def _evidence(setup: Setup, prompts: int, found: HeadToHead, workspace: Tree, other: Opponent | None) -> Evidence:
    scale = setup.paths.scale
    names = data_facts.licences(workspace, scale)
    return Evidence(
        champion=other is not None,
        prompts=prompts,
        metrics=found.metrics,
        floors=found.floors,
        licences=names,
        refused=data_facts.refused(names, setup.policy),
        champion_licences=data_facts.licences(other.tree, scale) if other else (),
        gates=data_facts.gates(workspace, scale),
        drift=data_facts.drift(workspace, scale),
    )


def _check_scale(other: Opponent, scale: str) -> None:
    tree = parse_yaml(other.tree.read("params.yaml") or b"") or {}
    if tree.get("scale") != scale:
        raise ValueError(
            f"the champion {other.version or other.tree.commit[:12]} is of scale {tree.get('scale')}, the challenger "
            f"of {scale}, and figures of two scales do not compare: --champion {NONE} judges by floors alone"
        )


def _sampling(folder: Path) -> Mapping[str, Any]:
    return dict(read_json(folder / "record.json")) if (folder / "record.json").is_file() else {}
