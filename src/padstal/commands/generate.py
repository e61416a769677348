"""`padstal generate`: takes of a prompt as WAV files, with all that it takes to make them again."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from padstal.commands.choose import setting_keeping
from padstal.commands.project import params_of
from padstal.core.data.atomic import atomic_file, write_json
from padstal.core.data.content import sha256_file
from padstal.core.model_folder import fingerprint
from padstal.core.params import check, load_section
from padstal.core.paths import Paths
from padstal.core.yaml_text import YamlTextError, parse_yaml
from padstal.sampling.setting import Setting

LONGEST_SLUG = 48


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        best_of: Takes that each of `count` is the best of, by CLAP score (QA-MDT's candidates).
        preview: Of a system with two denoisers, the first alone.
        system, method: None takes what `promote` in params.yaml names; another system's method is its grid's first.
        retain: Begin with the most diverse setting that keeps so much of the alignment (`padstal choose`), in place of
            the grid's first one.
        changes: Values by path in which the setting differs from that.
        seconds: Length of a take; None for that of the training clips.
    """

    prompt: str
    count: int
    best_of: int
    preview: bool
    system: str | None
    method: str | None
    retain: float | None
    changes: Mapping[str, Any]
    seed: int
    out: Path
    seconds: float | None = None


def run(root: Path, options: Options, scale: str | None) -> int:
    """Write `out/<prompt>-<seed>-<index>.wav` and one JSON with the setting and the models' fingerprints.

    Raises:
        FileNotFoundError: A model has not been trained, or there is nothing evaluated to choose from.
        ValueError: No such system, both `method` and `retain`, a method that the grid lacks, a wrong value, or models
            that do not belong together.
    """
    import soundfile
    from tqdm import tqdm

    from padstal.sampling.files import to_pcm
    from padstal.sampling.generate import generate
    from padstal.systems.trained import trained

    paths, tree = params_of(root, scale)
    promoted = tree.promote
    name = options.system or promoted.system
    found = trained(paths, name, options.method or (promoted.method if name == promoted.system else None))
    if options.retain and options.method:
        raise ValueError(f"--method {options.method} with --retain: expected one of them; --retain chooses the method")
    usual = setting_keeping(paths, name, options.retain) if options.retain else found.usual
    setting, system = changed(usual, options.changes), found.load()
    system.check([setting])
    if (nearest := system.nearest(setting)) != setting:
        print(f"{nearest.label((setting,))} in place of {setting.label((nearest,))}: no training clip had that quality")
    setting = nearest
    system = system.preview() if options.preview else system
    system = system if options.seconds is None else system.lasting(options.seconds)
    made = options.count * options.best_of
    started = time.perf_counter()
    audio_NCS = generate(
        system,
        [options.prompt] * made,
        [options.seed] * made,
        setting,
        indices=list(range(made)),
        batch=found.params.batch,
        precision=found.params.precision,
        progress=lambda parts: tqdm(parts, unit="batch", desc=f"generate with {found.name}", mininterval=1.0),
    )
    took, seconds = time.perf_counter() - started, audio_NCS.shape[-1] / system.sample_rate
    takes, scores = list(range(made)), dict[str, float]()
    if options.best_of > 1:
        takes, scores = best(audio_NCS, system.sample_rate, options, paths)
    files = [options.out / f"{slug(options.prompt)}-{options.seed}-{take:03d}.wav" for take in takes]
    for file, pcm_SC in zip(files, to_pcm(audio_NCS[takes]), strict=True):
        with atomic_file(file) as temporary:
            soundfile.write(temporary, pcm_SC, system.sample_rate, subtype="PCM_16", format="WAV")
        print(file)
    record = options.out / f"{slug(options.prompt)}-{options.seed}.json"
    content = {
        "scale": paths.scale,
        "prompt": options.prompt,
        "seed": options.seed,
        "system": found.name,
        "setting": setting.id,
        "record": setting.model_dump(mode="json"),
        "batch": found.params.batch,
        "precision": found.params.precision,
        "models": {role: fingerprint(folder) for role, folder in found.folders.items()},
        "preview": options.preview,
        "seconds": seconds,
        "clap_f": scores,
        "files": {file.name: sha256_file(file) for file in files},
    }
    write_json(record, content)
    print(f"{record}: {found.name}, {setting.label((usual,))}; {made} × {seconds:.3g} s of music in {took:.1f} s")
    return 0


def best(audio_NCS: np.ndarray, sample_rate: int, options: Options, paths: Paths) -> tuple[list[int], dict[str, float]]:
    """The `count` takes whose sound fits the prompt best, best first, and the CLAP score of each."""
    from padstal.evaluation.clap_score import clap_score, embed_windows
    from padstal.evaluation.config import EvaluateParams
    from padstal.evaluation.windows import mono_at
    from padstal.foundation import clap
    from padstal.sampling.files import to_pcm
    from padstal.systems.trained import torch_device

    params = load_section(paths.params, "evaluate", EvaluateParams, paths.scale)
    ear = clap.load(paths.foundation("clap"), torch_device(paths.params))
    mono_NS = mono_at(to_pcm(audio_NCS), sample_rate, ear.sample_rate)
    grid = max(round(params.window_grid_seconds * ear.sample_rate), 1)
    windows_NWD = embed_windows(mono_NS, ear, params.windows, grid)
    score_N = clap_score(windows_NWD, np.repeat(ear.embed_text([options.prompt]), len(mono_NS), axis=0))
    takes = np.argsort(-score_N, kind="stable")[: options.count].tolist()
    return takes, {f"{take:03d}": round(float(score_N[take]), 6) for take in takes}


def changes_of(assignments: list[str]) -> dict[str, Any]:
    """What `--set PATH=VALUE` says, by path; values are YAML.

    Raises:
        ValueError: One has no path, or no value.
    """
    found = {}
    for one in assignments:
        path, equals, text = one.partition("=")
        if not (path and equals and text):
            raise ValueError(f"--set {one}: expected PATH=VALUE, e.g. method.tau1=0.3")
        try:
            found[path] = parse_yaml(text)
        except YamlTextError:
            raise ValueError(f"--set {one}: {text} is no YAML value") from None
    return found


def changed(setting: Setting, changes: Mapping[str, Any]) -> Setting:
    """`setting` with other values by path.

    Raises:
        ParamsError: No such value, or one that is not allowed; names its path, the value and what is.
    """
    tree = setting.model_dump()
    for path, own in changes.items():
        *parents, last = path.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                raise ValueError(f"{path}: {parent} = {node} is a single value")
        node[last] = own
    return check(Setting, tree, "")


def slug(prompt: str) -> str:
    """A file name's part from a prompt: "Slow, solo piano!" → "slow-solo-piano"."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-")
    return words[:LONGEST_SLUG].rstrip("-") or "unprompted"
