"""A git repository whose commits hold just what a comparison reads: params, lock, metrics."""

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import yaml
from tests.evaluation.fakes import setting

METHODS = (("tal_dit", "none"), ("tal_dit", "pads"))
CLAP = "models/demo/foundation/clap"
TREE: dict[str, Any] = {
    "params.yaml": {
        "scale": "demo",
        "runtime": {"threads": 2},
        "scales": {"demo": {"ingest": {"sample_rate": 16000, "seed": 1}}, "study": {"ingest": {"seed": 1}}},
    },
    "dvc.lock": {
        "schema": "2.0",
        "stages": {
            "prepare@clap": {"cmd": "prepare", "outs": [{"path": CLAP, "md5": "a" * 32 + ".dir"}]},
            "ingest": {
                "cmd": "ingest",
                "deps": [{"path": "src/padstal/ingest", "md5": "b" * 32 + ".dir"}],
                "params": {"params.yaml": {"scales.demo.ingest": {"sample_rate": 16000, "seed": 1}}},
                "outs": [{"path": "data/demo/ingest", "md5": "c" * 32 + ".dir"}],
            },
        },
    },
    "reports/demo/metrics/ingest.json": {
        "files": 10,
        "licences": {"CC-BY-4.0": 9, "CC0-1.0": 1},
        "quarantined": {"duplicate": 2},
        "clips_by_split": {"train": 20, "test": 5},
    },
    "reports/demo/metrics/caption.json": {"share": {"kept": 0.5, "fused": 0.5}},
    "reports/demo/metrics/train_vae_tal.json": {"loss": 2.5, "steps": 450},
    "reports/demo/metrics/evaluate.json": {
        "design": {"seeds": 3},
        "rows": [
            {
                "system": system,
                "method": method,
                "path": method,
                "setting": setting(method, 0.5).id,
                "label": setting(method, 0.5).label(),
                "record": setting(method, 0.5).model_dump(mode="json"),
                "clap_f": 0.30,
                "vendi": 2.0,
                "ibs": 0.9,
                "pmos": 3.0,
                "intervals": {"clap_f": [0.25, 0.35], "vendi": [1.8, 2.2], "ibs": [0.85, 0.95]},
            }
            for system, method in METHODS
        ],
        "foundation": {"tagger_genre": {"value": 0.8, "chance": 0.1, "n": 100}},
        "truth": {"exact_duplicates": {"precision": 1.0, "flagged": 6}},
    },
}


def tree() -> dict[str, Any]:
    """A revision to change."""
    return copy.deepcopy(TREE)


def write(root: Path, files: dict[str, Any]) -> None:
    """Write files: YAML, JSON, or text as it is; `None` removes one."""
    for name, content in files.items():
        file = root / name
        if content is None:
            file.unlink(missing_ok=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str):
            content = json.dumps(content) if name.endswith(".json") else yaml.safe_dump(content, sort_keys=False)
        file.write_text(content, encoding="utf-8")


def commit(root: Path, files: dict[str, Any], subject: str = "A revision") -> str:
    """Commit `files`; the commit's name."""
    if not (root / ".git").exists():
        root.mkdir(parents=True, exist_ok=True)
        git(root, "init", "-q", "-b", "main")
    write(root, files)
    git(root, "add", "-A")
    git(root, "-c", "user.name=tester", "-c", "user.email=tester@example.invalid", "commit", "-q", "-m", subject)
    return git(root, "rev-parse", "HEAD")


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()
