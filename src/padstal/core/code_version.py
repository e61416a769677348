"""Which code a cached thing or a checkpoint depends on: one rule, for ingest's tracks, the composer's draw
and training.

A version is a digest of modules and of all modules of this package that they import, however far: of what they say to
Python, without comments, docstrings and what only a type checker reads, so that an edit of those keeps it; and of the
versions of named libraries.
"""

import ast
import hashlib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
"""The folder that the package lies in."""
_PACKAGE = "padstal"


def code_version(*modules: str, libraries: Sequence[str], source: Path = SOURCE) -> str:
    """The version of `modules` of this package and of `libraries`.

    Args:
        modules: Dotted names.
        libraries: Distributions whose version may change what is computed.
        source: The folder that the package lies in.

    Raises:
        ValueError: One of `modules` is none.
    """
    digests: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        path = _file(source, name)
        if path is None and name in modules:
            raise ValueError(f"{name}: no such module in {source}")
        if path is None or name in digests:
            continue
        digests[name], imports = _read(path.read_bytes())
        waiting.extend(imports)
    lines = [f"{name} {digest}" for name, digest in sorted(digests.items())]
    lines += [f"{name} {_version(name)}" for name in sorted(libraries)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@cache
def _read(text: bytes) -> tuple[str, tuple[str, ...]]:
    """The digest of what a module's text says to Python, and the modules of this package that it may import."""
    tree = _Bare().visit(ast.parse(text))
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest(), tuple(_imports(tree))


class _Bare(ast.NodeTransformer):
    """Without strings that stand alone, which are docstrings; the tree holds no comments anyway."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING" else self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node


def _file(source: Path, module: str) -> Path | None:
    path = source.joinpath(*module.split("."))
    return next((found for found in (path.with_suffix(".py"), path / "__init__.py") if found.is_file()), None)


def _imports(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(f"{_PACKAGE}."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _PACKAGE:
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
