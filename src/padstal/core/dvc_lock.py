"""What `dvc.lock` says: which stage wrote which output under which MD5; without DVC, which refuses damaged ones."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from padstal.core.yaml_text import YamlTextError, parse_yaml

OID = re.compile(r"[0-9a-f]{32}(?:\.dir)?")
"""An object's name: the MD5 of its bytes; `.dir` marks the list of a folder's files."""
LOCK = "dvc.lock"
SCHEMA = "2.0"
_TOP = f"schema: '{SCHEMA}'\nstages:\n"
_HEADER = re.compile(r"^  (?! )(?P<name>[^\s#].*):\s*$", re.MULTILINE)
_TEMPLATE = re.compile(r"\\\$\\\{.*?\\\}")


class LockError(ValueError):
    """A `dvc.lock` that DVC cannot read; the message says why."""


@dataclass(frozen=True, order=True)
class LockedPath:
    """A file or folder as `dvc.lock` names it; two are the same if path and content are.

    Attributes:
        path: Where, relative to the repository.
        md5: Name of its object.
        bytes: Of the file, or of all files of the folder.
        files: In the folder; 1 for a file.
        stage: Who wrote it; "" for a dependency.
        cached: Whether DVC's cache is to hold it, as far as `with_uncached` was told; a metric in git is not cached.
    """

    path: str
    md5: str
    bytes: int = field(default=0, compare=False)
    files: int = field(default=1, compare=False)
    stage: str = field(default="", compare=False)
    cached: bool = field(default=True, compare=False)

    @property
    def is_folder(self) -> bool:
        return self.md5.endswith(".dir")


@dataclass(frozen=True)
class LockedStage:
    """One run of one stage, or of one item of its matrix.

    Attributes:
        name: As in `dvc.lock` ("train_vae@tal"); "" where DVC's run-cache does not say.
        command: What was run.
        deps, outs: What it read and wrote, as far as it has an MD5.
        params: File → key → value that it ran with.
    """

    name: str
    command: str
    deps: tuple[LockedPath, ...]
    outs: tuple[LockedPath, ...]
    params: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)


def read_lock(text: str) -> dict[str, LockedStage]:
    """The stages of a `dvc.lock`, by name.

    Raises:
        LockError: It is damaged, or no lock of schema 2.0.
    """
    if not text.strip("\0 \n"):
        raise LockError("empty" if not text else "nothing but blanks")
    try:
        content = parse_yaml(text)
    except YamlTextError as error:
        raise LockError(str(error)) from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise LockError(f"expected schema: '{SCHEMA}'")
    if not text.endswith("\n"):
        raise LockError("its last line is cut")
    stages = content.get("stages") or {}
    if not isinstance(stages, dict):
        raise LockError(f"stages is {type(stages).__name__}, expected a mapping")
    written = Counter(_HEADER.findall(text))
    twice = [name for name in stages if written[str(name)] > 1]
    if twice:  # as a merge of git's leaves it
        raise LockError(f"stage {twice[0]} stands there twice")
    for name, stage in stages.items():
        _check(str(name), stage)
    return {str(name): _stage(str(name), stage) for name, stage in stages.items()}


def stages_of(root: Path) -> dict[str, LockedStage]:
    """The stages of the `dvc.lock` of the repository at `root`.

    Raises:
        LockError: It is damaged; the message names it and the remedy.
        FileNotFoundError: There is none.
    """
    try:
        return read_lock((root / LOCK).read_text(encoding="utf-8", errors="replace"))
    except LockError as error:
        raise LockError(f"{LOCK}: {error}; `padstal fsck --repair` mends it") from None


def readable_stages(content: bytes | str | None) -> dict[str, LockedStage]:
    """What can be read of a `dvc.lock` from anywhere, which may be damaged, missing or made to do harm.

    Stage by stage, and each stage's text once: in a repository's history most stages stand in many locks. Whole where
    a stage cannot be read without another, as with aliases.
    """
    text = content.decode(errors="replace") if isinstance(content, bytes) else content or ""
    parts = [_readable(_TOP + piece) for _, piece in _pieces(text)] if text.startswith(_TOP) else []
    stages = {name: stage for part in parts for name, stage in part.items()}
    return stages if parts and all(parts) else _readable(text) or stages


@lru_cache(4096)
def _readable(text: str) -> dict[str, LockedStage]:
    stages = mapping(mapping(read_yaml(text)).get("stages"))
    return {str(name): _stage(str(name), stage) for name, stage in stages.items() if isinstance(stage, Mapping)}


def stages_here(root: Path) -> dict[str, LockedStage]:
    """What can be read of the `dvc.lock` of the repository at `root`; nothing where there is none."""
    file = root / LOCK
    return readable_stages(file.read_bytes()) if file.is_file() else {}


def read_run(content: bytes) -> LockedStage | None:
    """An entry of DVC's run-cache; None for what is none."""
    tree = mapping(read_yaml(content))
    return _stage("", tree) if tree.get("outs") else None


def outs_of(stages: Mapping[str, LockedStage]) -> dict[str, LockedPath]:
    """All outputs by path, in order."""
    return {out.path: out for stage in stages.values() for out in stage.outs}


def with_uncached(outs: Iterable[LockedPath], pipeline: bytes | str) -> list[LockedPath]:
    """These outputs; which of them DVC caches as the text of a `dvc.yaml` says, with or without templates."""
    patterns = [_TEMPLATE.sub(".+?", re.escape(path)) for path in _uncached(read_yaml(pipeline))]
    uncached = re.compile("|".join(patterns) if patterns else r"(?!)")
    return [replace(out, cached=not uncached.fullmatch(out.path)) for out in outs]


def overlap(one: str, other: str) -> bool:
    """Whether a path is another or lies in it, either way round."""
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")


def read_yaml(content: bytes | str | None) -> Any:
    """A YAML file's content; None where it is none."""
    try:
        return parse_yaml(content or b"")
    except YamlTextError:
        return None


def artifact_paths(pipeline: bytes | None, params: bytes | None) -> dict[str, str]:
    """`artifacts:` of a `dvc.yaml`: model → path, at the scale that the `params.yaml` beside it makes active."""
    scale = str(mapping(read_yaml(params)).get("scale", ""))
    entries = mapping(mapping(read_yaml(pipeline)).get("artifacts")).items()
    paths = {str(name): str(path) for name, one in entries if (path := mapping(one).get("path"))}
    return {name: path.replace("${scale}", scale) for name, path in paths.items()}


def stage_texts(text: str) -> dict[str, str]:
    """Text of each stage's entry that is whole."""
    whole = {}
    for name, piece in _pieces(text):
        try:
            read_lock(_TOP + piece)
        except LockError:
            continue
        whole[name] = piece
    return whole


def compose(pieces: Iterable[str]) -> str:
    """A `dvc.lock` of these entries."""
    return _TOP + "".join(pieces)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Names and texts of the stages' entries, whole or not."""
    headers = list(_HEADER.finditer(text))
    ends = [*(header.start() for header in headers[1:]), len(text)]
    for header, end in zip(headers, ends, strict=False):
        yield header["name"].strip("'\""), text[header.start() : end]


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


def _stage(name: str, content: Mapping[Any, Any]) -> LockedStage:
    """A stage's entry; of what is not as it should be, nothing."""
    command = content.get("cmd")
    lines = command if isinstance(command, list) else [command]
    params = mapping(content.get("params")).items()
    return LockedStage(
        name,
        "\n".join(line for line in lines if isinstance(line, str)),
        tuple(_paths(content.get("deps"), "")),
        tuple(_paths(content.get("outs"), name)),
        {str(file): values for file, values in params if isinstance(values, Mapping)},
    )


def _paths(entries: Any, stage: str) -> Iterator[LockedPath]:
    for entry in entries if isinstance(entries, list) else []:
        item = mapping(entry)
        path, md5 = item.get("path"), item.get("md5")
        if path and isinstance(path, str) and isinstance(md5, str) and OID.fullmatch(md5):
            yield LockedPath(path, md5, _count(item.get("size"), 0), _count(item.get("nfiles"), 1), stage)


def _count(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and value >= 0 else otherwise


def mapping(node: Any) -> Mapping[Any, Any]:
    """`node` if it is a mapping, else an empty one."""
    return node if isinstance(node, Mapping) else {}


def _uncached(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("outs", "metrics", "plots") and isinstance(value, list):
                for item in value:
                    if isinstance(item, dict):
                        yield from (path for path, more in item.items() if more and more.get("cache") is False)
            else:
                yield from _uncached(value)
