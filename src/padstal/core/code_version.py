"""The version of code that computes something: the text of its modules, and the libraries that do the arithmetic."""

import ast
import hashlib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("av", "numba", "numpy", "scipy", "soundfile", "soxr")
_PACKAGE = "padstal"


def code_version(module: str) -> str:
    """Digest of `module`, of all modules of this package that it imports, however far, and of `LIBRARIES`' versions."""
    root = Path(__file__).resolve().parents[1]
    texts: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(root, name)
        if path is None or name in texts:
            continue
        texts[name] = path.read_bytes()
        waiting.extend(_imports(texts[name]))
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(f"{name} {hashlib.sha256(texts[name]).hexdigest()}\n".encode())
    for name in LIBRARIES:
        digest.update(f"{name} {_version(name)}\n".encode())
    return digest.hexdigest()


def _file(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split(".")[1:])
    return next((found for found in (path.with_suffix(".py"), path / "__init__.py") if found.is_file()), None)


def _imports(text: bytes) -> Iterable[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(f"{_PACKAGE}."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{_PACKAGE}."):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
