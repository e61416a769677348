"""Atomic writes: a name appears with its whole content or not at all, even if the process is killed."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from padstal.core.data.leftovers import temporary_prefix


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A path to write to; renamed onto `path` when the block ends without an error.

    The temporary file lies in the same folder (a rename across file systems would be a copy) and is synced first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=temporary_prefix(path.name), dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill; it replaces `path` when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=temporary_prefix(path.name), dir=path.parent))
    try:
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        temporary.chmod(0o755)
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """`content` as JSON with sorted keys, floats rounded to 6 significant digits, atomically.

    Raises:
        ValueError: A value is NaN or infinite; a metric that could not be computed is `None`.
    """
    with atomic_file(path) as temporary:
        text = json.dumps(_rounded(content), indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def _rounded(node: Any) -> Any:
    if isinstance(node, float):
        return float(f"{node:.6g}")
    if isinstance(node, Mapping):
        return {str(key): _rounded(item) for key, item in node.items()}
    if isinstance(node, list | tuple):
        return [_rounded(item) for item in node]
    if hasattr(node, "item") and getattr(node, "ndim", None) == 0:  # a NumPy or torch scalar
        return _rounded(node.item())
    return node


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
