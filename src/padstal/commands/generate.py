"""`padstal generate`: takes of a prompt as WAV files, with all that it takes to make them again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from padstal.commands.project import paths_of, promote_params
from padstal.core.data.atomic import atomic_file, write_json
from padstal.core.data.content import sha256_file
from padstal.core.params import check
from padstal.core.yaml_text import YamlTextError, parse_yaml
from padstal.sampling.setting import Setting

LONGEST_SLUG = 48


@dataclass(frozen=True)
class Options:
    """What was asked for.

    Attributes:
        system, method: None takes what `promote` in params.yaml names.
        changes: Values by path in which the setting differs from the grid's first one with the method.
    """

    prompt: str
    count: int
    system: str | None
    method: str | None
    changes: Mapping[str, Any]
    seed: int
    out: Path


def run(root: Path, options: Options, scale: str | None) -> int:
    """Write `out/<prompt>-<seed>-<index>.wav` and one JSON with the setting and the models' fingerprints.

    Raises:
        FileNotFoundError: A model has not been trained.
        ValueError: No such system, a method that the grid lacks, a wrong value, or models that do not belong together.
    """
    import soundfile
    from tqdm import tqdm

    from padstal.sampling.files import to_pcm
    from padstal.sampling.generate import generate
    from padstal.systems.trained import trained

    paths, promoted = paths_of(root, scale), promote_params(root)
    found = trained(paths, options.system or promoted.system, options.method or promoted.method)
    setting, system = changed(found.usual, options.changes), found.load()
    audio_NCS = generate(
        system,
        [options.prompt] * options.count,
        [options.seed] * options.count,
        setting,
        batch=found.params.batch,
        precision=found.params.precision,
        progress=lambda parts: tqdm(parts, unit="batch", desc=f"generate with {found.name}", mininterval=1.0),
    )
    files = [options.out / f"{slug(options.prompt)}-{options.seed}-{take:03d}.wav" for take in range(options.count)]
    for file, pcm_SC in zip(files, to_pcm(audio_NCS), strict=True):
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
        "models": {role: sha256_file(folder / "model.safetensors") for role, folder in found.folders.items()},
        "files": {file.name: sha256_file(file) for file in files},
    }
    write_json(record, content)
    print(f"{record}: {found.name}, {setting.label((found.usual,))}")
    return 0


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
