"""What the contract tests look at: the repository's own files, read as text, YAML and syntax trees."""

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
STAGES_FOLDER = SRC / "padstal" / "stages"


@cache
def dvc_stages() -> dict[str, Any]:
    """The stages of `dvc.yaml`, in order; what stands under `do` of a `foreach` is the stage's own."""
    stages: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    return {name: {**stage, **stage.get("do", {})} for name, stage in stages.items()}


def items_of(stage: dict[str, Any]) -> list[str]:
    """The items of a stage's `matrix` or `foreach`, from `params.yaml` if that is where they are listed; [] without."""
    listed = next(iter(stage.get("matrix", {"": stage.get("foreach", [])}).values()))
    if isinstance(listed, str):
        return list(yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))[listed.strip("${}")])
    return list(listed)


def source_files() -> list[Path]:
    """Python files of the package and the flows."""
    return sorted([*SRC.rglob("*.py"), *(ROOT / "flows").rglob("*.py")])


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def known_files() -> list[Path]:
    """Files that git knows or would take."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


@cache
def imported_modules(file: Path) -> set[str]:
    """Modules that `file` imports anywhere, also inside functions, but not for type checking alone."""
    found: set[str] = set()
    for node in _running_nodes(parsed(file)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: relative import"
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _running_nodes(tree: ast.AST) -> list[ast.AST]:
    nodes: list[ast.AST] = []
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        nodes.append(child)
        nodes.extend(_running_nodes(child))
    return nodes


@cache
def module_file(module: str) -> Path | None:
    """The file of a module of padstal; None for anything else (a class, another package)."""
    base = SRC / Path(*module.split("."))
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if module.split(".")[0] == "padstal" and file.is_file():
            return file
    return None


@cache
def reached(start: Path) -> frozenset[Path]:
    """Files of padstal that running `start` can import, itself included."""
    seen: set[Path] = set()
    waiting = [start]
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for module in imported_modules(file):
            parts = module.split(".")
            above = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
            waiting.extend(found for name in above if (found := module_file(name)) is not None)
    return frozenset(seen)
