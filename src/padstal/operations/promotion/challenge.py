"""A challenge: champion and challenger made ready, both play the frozen prompts, judges listen, the gate decides.

The judges (CLAP, tagger, p-MOS) and the words they know are the champion's, so that no challenger brings its own ruler;
without a champion they are the workspace's. Held-out clips are the workspace's: a prompt whose clip has been erased
since, or is held out no more, is not played.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from padstal.core.data.atomic import read_json
from padstal.core.data.manifest import read_table
from padstal.core.dvc_lock import mapping
from padstal.core.model_folder import fingerprint
from padstal.core.paths import Paths
from padstal.core.revisions import WORKSPACE, Tree, open_tree
from padstal.evaluation.clips import listen, subset
from padstal.evaluation.config import EvaluateParams
from padstal.evaluation.hear import JUDGES, Ears, Heard, hear, load_ears
from padstal.operations.config import PromoteParams
from padstal.operations.promotion import frozen, objects
from padstal.operations.promotion.decision import Decision, Side, rounded
from padstal.operations.promotion.gate import Drift, Evidence, decide
from padstal.operations.promotion.head_to_head import HeadToHead, head_to_head
from padstal.operations.promotion.register import Register
from padstal.reporting.comparison.side import active_scale, read_side
from padstal.reporting.inputs import CHECKED
from padstal.rights.licence import normalise
from padstal.rights.policy import Policy

if TYPE_CHECKING:
    import torch

NONE = "none"
Play = Callable[[Path, Path, Path, str, str], None]
LoadEars = Callable[[Callable[[str], Path], EvaluateParams, Any], Ears]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Setup:
    """What a challenge is made with.

    Attributes:
        paths: The workspace, which is the challenger.
        system: E.g. "tal_dit".
        promote, evaluate, policy: From params; the licence policy is that of `ingest`.
        sample_rate: Of the held-out clips, in Hz.
        device: Where the judges listen.
    """

    paths: Paths
    system: str
    promote: PromoteParams
    evaluate: EvaluateParams
    policy: Policy
    sample_rate: int
    device: "torch.device | str"

    @property
    def name(self) -> str:
        """What the system is called in tags (GTO knows no underscores): "tal_dit" → "tal-dit"."""
        return self.system.replace("_", "-")


@dataclass(frozen=True)
class Opponent:
    """A champion to compare with; `version` is "" where its revision was never promoted."""

    version: str
    tree: Tree

    @property
    def name(self) -> str:
        return self.version or self.tree.commit[:12]


def opponent(root: Path, register: Register, asked: str | None, scale: str) -> Opponent | None:
    """Whom to compare with: a version or revision that is asked for, else the champion; `None` for nobody.

    Raises:
        ValueError: There is no such version or revision, or its active scale is another.
    """
    if asked == NONE:
        return None
    version = register.champion if asked is None else register.find(asked)
    if version is None and asked is None:
        return None
    tree = open_tree(root, version.commit if version else str(asked))
    version = version or register.version_at(tree.commit)
    found = Opponent(version.name if version else "", tree)
    if (its_scale := active_scale(tree)) != scale:
        raise ValueError(
            f"the champion {found.name} is of scale {its_scale}, the challenger of {scale}, and figures of two scales "
            f"do not compare: --champion {NONE} judges by floors alone"
        )
    return found


def challenge(
    setup: Setup,
    register: Register,
    asked: str | None,
    *,
    play: "Play | None" = None,
    load_ears: LoadEars = load_ears,
    say: Say = lambda text: None,
) -> Decision:
    """Let them play and decide.

    Args:
        setup: With what.
        register: Who is champion.
        asked: See `opponent`.
        play: Generates; `play_child` unless a test says otherwise.
        load_ears: Loads the judges.
        say: Tells the person who watches.

    Raises:
        FileNotFoundError: Frozen prompts, a data set or a model is missing.
        ValueError: The workspace is not what its `dvc.lock` says, or the two do not compare.
    """
    paths, root, play = setup.paths, setup.paths.root, play or play_child
    known, digest = frozen.read(paths.frozen_prompts)
    if known.scale != paths.scale:
        raise ValueError(f"{paths.frozen_prompts}: prompts of scale {known.scale}, expected {paths.scale}")
    dataset = read_table(paths.curate / "dataset.parquet")
    held_out = dataset[dataset["split"] == "test"].reset_index(drop=True)
    prompts = known.of(set(held_out["clip_id"]))
    if not prompts.prompts:
        raise ValueError(
            f"{paths.frozen_prompts}: the test split has none of their clips any more; `padstal freeze-prompts --force`"
        )
    if left := len(known.prompts) - len(prompts.prompts):
        say(f"{left} frozen prompts are left out: their clips are in the test split no more")
    workspace, other = open_tree(root, WORKSPACE), opponent(root, register, asked, paths.scale)
    if not workspace.commit:
        raise ValueError(f"{root}: nothing is committed yet; a decision names the challenger's commit")
    outs = objects.outs_at(root, WORKSPACE, objects.needed(root, WORKSPACE, paths.scale, setup.system))
    objects.check_workspace(root, outs)

    folder = root / ".state"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="challenge-", dir=folder) as temporary:
        hall = Path(temporary)
        frozen.write(hall / "prompts.json", prompts)

        def played(home: Path, name: str) -> tuple[Path, dict[str, Any]]:
            play(home, hall / "prompts.json", hall / name, setup.system, setup.promote.method)
            return hall / name, read_json(hall / name / "record.json")

        judges, of = paths, f"the challenger, {workspace.commit[:12]}"
        say(f"{of}, plays {len(prompts.prompts)} prompts × {prompts.samples}")
        samples, record = played(root, "challenger")
        challenger, champion = Side("", workspace.commit, outs, record), None
        champion_samples: Path | None = None
        if other is not None:
            judges, of = Paths(hall / "home", paths.scale), f"the champion, {other.name}"
            theirs = objects.outs_at(
                root, other.tree.commit, objects.needed(root, other.tree.commit, paths.scale, setup.system)
            )
            say(f"{of}, comes from DVC's cache or remote and plays the same")
            objects.materialise(root, other.tree.commit, theirs, judges.root, code=True)
            champion_samples, record = played(judges.root, "champion")
            champion = Side(other.version, other.tree.commit, theirs, record)
        say(f"the judges of {of} listen")
        ears = load_ears(judges.foundation, setup.evaluate, setup.device)
        found, clips = _heard(setup, prompts, held_out, ears, samples, champion_samples)
        fingerprints = {role: fingerprint(judges.foundation(role)) for role in JUDGES}

    evidence, limits = rounded(_evidence(setup, len(prompts.prompts), found, workspace, other)), setup.promote.gate
    return Decision(
        model=setup.name,
        scale=paths.scale,
        challenger=challenger,
        changed=workspace.changed,
        replaces=register.champion.name if register.champion else "",
        champion=champion,
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
    """Run `play` of the revision in `home`.

    Raises:
        ValueError: It failed.
    """
    path = os.pathsep.join(filter(None, [str(home / "src"), os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "padstal.operations.promotion.play"]
    arguments = [str(frozen_file), str(out), system, method]
    done = subprocess.run(command + arguments, cwd=home, env={**os.environ, "PYTHONPATH": path}, check=False)
    if done.returncode != 0:
        raise ValueError(
            f"{system} of {home} could not generate (exit status {done.returncode}, its message above); "
            f"a champion that cannot play is left out with --champion {NONE}"
        )


def _heard(
    setup: Setup,
    prompts: frozen.FrozenPrompts,
    held_out: pd.DataFrame,
    ears: Ears,
    challenger: Path,
    champion: Path | None,
) -> tuple[HeadToHead, int]:
    """What the judges hear in both folders of samples, and how many held-out clips they heard too."""
    evaluate, progress = setup.evaluate, partial(tqdm, unit="batch", desc="listen", mininterval=1.0)
    chosen = subset(held_out["clip_id"].tolist(), evaluate.reference_clips, np.random.default_rng(evaluate.seed))
    wanted = {*chosen, *prompts.table["clip_id"]}
    table = held_out[held_out["clip_id"].isin(wanted)].reset_index(drop=True)
    clips = listen(setup.paths.ingest, table, setup.sample_rate, ears, evaluate.batch_clips, progress)
    reference, asked = clips.reference(chosen), clips.prompts(prompts.table, ears.clap, tuple(ears.tagger.genres))

    def heard(folder: Path) -> Heard:
        """Arrays start with [P, I]."""
        pcm = np.load(folder / "audio.npy", mmap_mode="r", allow_pickle=False)
        shape = len(prompts.prompts), prompts.samples
        if len(pcm) != shape[0] * shape[1]:
            raise ValueError(f"{folder / 'audio.npy'}: {len(pcm)} samples, expected {shape[0]} × {shape[1]}")
        rate = int(read_json(folder / "record.json")["sample_rate"])
        found = hear(lambda start, stop: pcm[start:stop], len(pcm), rate, ears, evaluate.batch_clips, progress)
        return found.take(np.arange(len(pcm)).reshape(shape))

    now, before = heard(challenger), heard(champion) if champion else None
    found = head_to_head(now, before, asked, reference, setup.promote, evaluate.recall_neighbours)
    return found, len(chosen)


def _evidence(setup: Setup, prompts: int, found: HeadToHead, workspace: Tree, other: Opponent | None) -> Evidence:
    scale, outs = setup.paths.scale, workspace.outs()
    metrics = read_side(workspace, scale).metrics
    names = _licences(metrics)
    return Evidence(
        champion=other is not None,
        prompts=prompts,
        metrics=found.metrics,
        floors=found.floors,
        licences=names,
        refused={name: why for name in names if (why := setup.policy.refusal(name))},
        champion_licences=_licences(read_side(other.tree, scale).metrics) if other else (),
        # a gate that stops a run leaves neither metrics nor an out in `dvc.lock`
        gates={item: f"data/{scale}/gate/{item}" in outs if metrics.get(f"gate_{item}") else None for item in CHECKED},
        drift={item: _drift(metrics.get(f"validate_{item}", {})) for item in CHECKED},
    )


def _licences(metrics: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """Licences of all clips that were let in; empty where that is not known."""
    found = mapping(metrics.get("validate_ingest", {}).get("clips_of_licence"))
    return tuple(sorted({normalise(str(name)) for name in found}))


def _drift(validated: Mapping[str, Any]) -> Drift | None:
    """What `validate` found against its reference."""
    compared, drifted = validated.get("features_compared"), validated.get("features_drifted")
    return Drift(compared, drifted) if isinstance(compared, int) and isinstance(drifted, int) else None
