"""What `dvc.lock` says: which stage wrote which output under which MD5. Read without DVC, which refuses a torn one."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

OID = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
"""An object's name: the MD5 of its bytes; `.dir` marks the list of a folder's files."""
SCHEMA = "2.0"
_HEADER = re.compile(r"^  (?! )(?P<name>[^\s#].*):\s*$", re.MULTILINE)
_TEMPLATE = re.compile(r"\\\$\\\{.*?\\\}")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class LockError(ValueError):
    """A `dvc.lock` that DVC cannot read; the message says why."""


@dataclass(frozen=True)
class Out:
    """An output as `dvc.lock` names it.

    Attributes:
        stage: Who wrote it.
        path: Where, relative to the repository.
        oid: Name of its object.
        bytes: Of the file, or of all files of the folder.
        files: In the folder; 1 for a file.
        cached: Whether DVC's cache is to hold it; a metric in git is not cached.
    """

    stage: str
    path: str
    oid: str
    bytes: int
    files: int
    cached: bool


def read_lock(text: str) -> dict[str, Any]:
    """The stages of a `dvc.lock`, by name.

    Raises:
        LockError: It is torn, or no lock of schema 2.0.
    """
    if not text.strip("\0 \n"):
        raise LockError("empty" if not text else "nothing but blanks")
    try:
        content = yaml.load(text, Loader=_LOADER)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise LockError(f"no YAML{where}: {getattr(error, 'problem', None) or 'unreadable'}") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise LockError(f"expected schema: '{SCHEMA}'")
    if not text.endswith("\n"):
        raise LockError("its last line is cut")
    stages = content.get("stages") or {}
    if not isinstance(stages, dict):
        raise LockError(f"stages is {type(stages).__name__}, expected a mapping")
    for name, stage in stages.items():
        _check(str(name), stage)
    return stages


def outs_of(stages: Mapping[str, Any], uncached: Callable[[str], bool]) -> list[Out]:
    """All outputs that have an MD5, in order; `uncached` tells paths that DVC does not cache."""
    return [
        Out(
            str(name),
            out["path"],
            out["md5"],
            int(out.get("size") or 0),
            int(out.get("nfiles") or 1),
            not uncached(out["path"]),
        )
        for name, stage in stages.items()
        for out in stage.get("outs", [])
        if "md5" in out
    ]


def uncached_paths(pipeline: str) -> Callable[[str], bool]:
    """Whether a path is an output with `cache: false` in the text of a `dvc.yaml`, with or without templates."""
    try:
        content = yaml.load(pipeline, Loader=_LOADER)
    except yaml.YAMLError:
        content = None
    patterns = [_TEMPLATE.sub(".+?", re.escape(path)) for path in _uncached(content)]
    match = re.compile("|".join(patterns) if patterns else r"(?!)")
    return lambda path: match.fullmatch(path) is not None


def stage_texts(text: str, *, torn: bool) -> dict[str, str]:
    """Text of each stage's entry that is whole; of a torn file the last is left out, since its end may be missing."""
    headers = list(_HEADER.finditer(text))
    ends = [*(header.start() for header in headers[1:]), len(text)]
    pieces = [
        (header["name"].strip("'\""), text[header.start() : end]) for header, end in zip(headers, ends, strict=False)
    ]
    whole = {}
    for name, piece in pieces[:-1] if torn else pieces:
        try:
            read_lock(f"schema: '{SCHEMA}'\nstages:\n{piece}")
        except LockError:
            continue
        whole[name] = piece
    return whole


def compose(pieces: Iterable[str]) -> str:
    """A `dvc.lock` of these entries."""
    return f"schema: '{SCHEMA}'\nstages:\n" + "".join(pieces)


def _check(name: str, stage: Any) -> None:
    if not isinstance(stage, dict) or "cmd" not in stage:
        raise LockError(f"stage {name}: expected a mapping with cmd")
    for kind in ("deps", "outs"):
        items = stage.get(kind, [])
        if not isinstance(items, list):
            raise LockError(f"stage {name}: {kind} is {type(items).__name__}, expected a list")
        for item in items:
            if not isinstance(item, dict) or not isinstance(item.get("path"), str):
                raise LockError(f"stage {name}: {kind}: expected entries with a path")
            if "md5" in item and not (isinstance(item["md5"], str) and OID.fullmatch(item["md5"])):
                raise LockError(f"stage {name}: {item['path']}: md5 {item['md5']!r}, expected 32 hexadecimal digits")


def _uncached(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("outs", "metrics", "plots") and isinstance(value, list):
                for item in value:
                    if isinstance(item, dict):
                        yield from (path for path, more in item.items() if more and more.get("cache") is False)
            else:
                yield from _uncached(value)
