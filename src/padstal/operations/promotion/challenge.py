"""A challenge: champion and challenger made ready, both play the frozen prompts, judges listen, the gate decides.

The judges (CLAP, tagger, p-MOS) and the words they know are the champion's, so that no challenger brings its own ruler;
without a champion they are the workspace's. Held-out clips are the workspace's: a prompt whose clip has been erased
since, or is held out no more, is not played.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from padstal.core.data.atomic import read_json
from padstal.core.data.leftovers import temporary_prefix
from padstal.core.data.manifest import read_table
from padstal.core.dvc_lock import mapping
from padstal.core.paths import Paths
from padstal.core.revisions import WORKSPACE, Tree, open_tree
from padstal.evaluation.clips import listen, subset
from padstal.evaluation.hear import Ears, Heard, hear, load_ears
from padstal.operations.promotion import frozen, objects
from padstal.operations.promotion.decision import Decision, Side, rounded
from padstal.operations.promotion.gate import Drift, Evidence, decide
from padstal.operations.promotion.head_to_head import HeadToHead, head_to_head
from padstal.operations.promotion.register import Register
from padstal.reporting.comparison.side import active_scale, read_side
from padstal.reporting.inputs import CHECKED
from padstal.rights.licence import normalise
from padstal.rights.policy import Policy
from padstal.stages.params import Tree as Params
from padstal.systems.trained import torch_device

NONE = "none"


def opponent(root: Path, register: Register, asked: str | None, scale: str) -> Tree | None:
    """Whom to compare with: a version or revision that is asked for, else the champion; `None` for nobody.

    Raises:
        ValueError: There is no such version or revision, or its active scale is another.
    """
    version = register.champion if asked is None else register.find(asked)
    if asked == NONE or (version is None and asked is None):
        return None
    tree = open_tree(root, version.tag if version else str(asked))
    if (its_scale := active_scale(tree)) != scale:
        raise ValueError(
            f"the champion {tree.name} is of scale {its_scale}, the challenger of {scale}, and figures of two scales "
            f"do not compare: --champion {NONE} judges by floors alone"
        )
    return tree


def challenge(paths: Paths, params: Params, system: str, register: Register, asked: str | None) -> Decision:
    """Let them play and decide.

    Args:
        paths: The workspace, which is the challenger.
        params: Of the workspace.
        system: E.g. "tal_dit".
        register: Who is champion.
        asked: See `opponent`.

    Raises:
        FileNotFoundError: Frozen prompts, a data set or a model is missing.
        ValueError: The workspace is not what its `dvc.lock` says, or the two do not compare.
    """
    root, promote, own = paths.root, params.promote, params.scales[paths.scale]
    known, digest = frozen.read(paths.frozen_prompts)
    dataset = read_table(paths.curate / "dataset.parquet")
    held_out = dataset[dataset["split"] == "test"].reset_index(drop=True)
    clips = set(held_out["clip_id"])
    prompts = replace(known, prompts=tuple(one for one in known.prompts if one.clip_id in clips))
    if not prompts.prompts:
        raise ValueError(
            f"{paths.frozen_prompts}: the test split has none of their clips any more; `padstal freeze-prompts --force`"
        )
    if left := len(known.prompts) - len(prompts.prompts):
        _say(f"{left} frozen prompts are left out: their clips are in the test split no more")
    workspace, other = open_tree(root, WORKSPACE), opponent(root, register, asked, paths.scale)
    outs = objects.needed(workspace, paths.scale, system)
    objects.check_workspace(root, outs)

    folder = root / ".state"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=temporary_prefix("challenge"), dir=folder) as temporary:
        hall = Path(temporary)
        frozen.write(hall / "prompts.json", prompts)

        def played(home: Path, name: str) -> tuple[Path, dict[str, Any]]:
            play_child(home, hall / "prompts.json", hall / name, system, promote.method)
            return hall / name, read_json(hall / name / "record.json")

        judges = paths
        _say(f"the challenger plays {len(prompts.prompts)} prompts × {prompts.samples}")
        samples, record = played(root, "challenger")
        challenger, champion = Side("", workspace.commit, outs, record), None
        champion_samples: Path | None = None
        if other is not None:
            judges, theirs = Paths(hall / "home", paths.scale), objects.needed(other, paths.scale, system)
            _say(f"the champion, {other.name}, comes from DVC's cache or remote and plays the same")
            objects.materialise(root, other, theirs, judges.root, code=True)
            champion_samples, record = played(judges.root, "champion")
            version = register.version_at(other.commit)
            champion = Side(version.version if version else "", other.commit, theirs, record)
        _say(f"the {'champion' if champion else 'challenger'}'s judges listen")
        ears = load_ears(judges.foundation, own.evaluate, torch_device(paths.params))
        found = _heard(paths, params, prompts, held_out, ears, samples, champion_samples)

    policy = own.ingest.licences
    evidence = rounded(_evidence(paths.scale, policy, len(prompts.prompts), found, workspace, other))
    return Decision(
        model=register.model,
        scale=paths.scale,
        challenger=challenger,
        changed=workspace.changed,
        replaces=register.champion.version if register.champion else "",
        champion=champion,
        samples_a_prompt=prompts.samples,
        frozen_prompts=digest,
        evidence=evidence,
        thresholds=promote.gate,
        verdict=decide(evidence, promote.gate),
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
    paths: Paths,
    params: Params,
    prompts: frozen.FrozenPrompts,
    held_out: pd.DataFrame,
    ears: Ears,
    challenger: Path,
    champion: Path | None,
) -> HeadToHead:
    """What the judges hear in both folders of samples, beside held-out clips."""
    own, progress = params.scales[paths.scale], partial(tqdm, unit="batch", desc="listen", mininterval=1.0)
    evaluate = own.evaluate
    chosen = subset(held_out["clip_id"].tolist(), evaluate.reference_clips, np.random.default_rng(evaluate.seed))
    wanted = {*chosen, *prompts.table["clip_id"]}
    table = held_out[held_out["clip_id"].isin(wanted)].reset_index(drop=True)
    clips = listen(paths.ingest, table, own.ingest.sample_rate, ears, evaluate.batch_clips, progress)
    reference, asked = clips.reference(chosen), clips.prompts(prompts.table, ears.clap, tuple(ears.tagger.genres))

    def heard(folder: Path) -> Heard:
        """Arrays start with [P, I]."""
        pcm = np.load(folder / "audio.npy", mmap_mode="r", allow_pickle=False)
        rows_PI = np.arange(len(pcm)).reshape(len(prompts.prompts), prompts.samples)
        rate = int(read_json(folder / "record.json")["sample_rate"])
        found = hear(lambda start, stop: pcm[start:stop], len(pcm), rate, ears, evaluate.batch_clips, progress)
        return found.take(rows_PI)

    now, before = heard(challenger), heard(champion) if champion else None
    return head_to_head(now, before, asked, reference, params.promote, evaluate.recall_neighbours)


def _evidence(
    scale: str, policy: Policy, prompts: int, found: HeadToHead, workspace: Tree, other: Tree | None
) -> Evidence:
    outs, metrics = workspace.outs(), read_side(workspace, scale).metrics
    names = _licences(metrics)
    return Evidence(
        champion=other is not None,
        prompts=prompts,
        metrics=found.metrics,
        floors=found.floors,
        licences=names,
        refused={name: why for name in names if (why := policy.refusal(name))},
        champion_licences=_licences(read_side(other, scale).metrics) if other else (),
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


def _say(text: str) -> None:
    print(f"challenge: {text}", file=sys.stderr, flush=True)
