"""Secrets planted where a person has them (the environment, git's remote), and the search for them in all that is left.

Files are searched byte by byte, also inside what packs bytes: gzip, ZIP, git's objects, Parquet, and W&B's own log,
whose records are broken at every 32 KiB. A secret counts as found in plain or URL-quoted form, in files up to 1 MiB
also in base64.
"""

import base64
import gzip
import os
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

SECRETS = {
    "AWS_ACCESS_KEY_ID": "AKIAZ7QPLANTED0KEY01",
    "AWS_SECRET_ACCESS_KEY": "planted/aws+SeCrEt/0123456789abcdefghiJK",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjPLANTEDsession0123456789==",
    "WANDB_API_KEY": "91a7e0planted0wandb0key0123456789abcdef0",
    "HF_TOKEN": "hf_PLANTEDhuggingfaceTOKEN0123456789",
    "GITHUB_TOKEN": "ghp_PLANTEDgithubTOKEN0123456789abcdef",
    "PREFECT_API_KEY": "pnu_PLANTEDprefectKEY0123456789abcdef",
    "SLURM_JWT": "eyJhbGciOiJQTEFOVEVEIn0.eyJzdWIiOiJzbHVybSJ9.PLANTEDslurm",
    "SLURM_PASSWORD": "planted-slurm-password-0123",
    "CAPTION_ENDPOINT_TOKEN": "sk-PLANTEDcaptionENDPOINT0123456789",
    "DATABASE_URL": "postgresql://prefect:planted-database-pw@127.0.0.1:9/prefect",
    "MUSIC_BUCKET": "s3://plantedkey:planted/bucket+pw@music/pile",
}
"""Variable → value."""
REMOTE = "https://someone:ghp_PLANTEDremoteTOKEN0123@forge.invalid/someone/padstal.git"
"""git's remote; `.git/config` has it, and nothing else may."""
WORDS = (
    *(value for name, value in SECRETS.items() if name not in ("DATABASE_URL", "MUSIC_BUCKET")),
    "planted-database-pw",
    "planted/bucket+pw",
    "ghp_PLANTEDremoteTOKEN0123",
)
"""What is searched for: of an address, its password."""
_MARKS = (b"planted", b"PLANTED")
"""One of them is in every secret; a large file without either is not searched for each of them."""
_LARGE = 1 << 20
_LOG_BLOCK, _LOG_START, _LOG_HEADER = 32 * 1024, 7, 7


def plant(patch: pytest.MonkeyPatch, root: Path) -> None:
    """Put all secrets into the environment and into the remote of the repository at `root`."""
    for name, value in SECRETS.items():
        patch.setenv(name, value)
    subprocess.run(["git", "remote", "add", "origin", REMOTE], cwd=root, check=True)


def found(root: Path) -> dict[str, list[str]]:
    """File under `root` → the secrets in it, without the file that git itself keeps the remote in."""
    needles = {form: word for word in WORDS for form in _forms(word)}
    hits: dict[str, list[str]] = {}
    for file in sorted(root.rglob("*")):
        if file.is_symlink() or not file.is_file() or file == root / ".git" / "config":
            continue
        for content in _contents(file):
            if len(content) > _LARGE and not any(mark in content for mark in _MARKS):
                continue
            seen = sorted({word for form, word in needles.items() if form in content})
            if seen:
                hits.setdefault(str(file.relative_to(root)), []).extend(seen)
    return hits


def in_text(text: str) -> list[str]:
    """The secrets in what a program said."""
    return sorted({word for word in WORDS for form in _forms(word) if form in text.encode()})


def _forms(word: str) -> set[bytes]:
    plain = word.encode()
    return {plain, quote(word, safe="").encode(), base64.b64encode(plain).rstrip(b"=")[:-1]}


def _contents(file: Path) -> Iterator[bytes]:
    raw = file.read_bytes()
    yield raw
    if raw[:2] == b"\x1f\x8b":
        yield gzip.decompress(raw)
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as opened:
            yield from (opened.read(name) for name in opened.namelist())
    elif file.suffix == ".parquet":
        yield _parquet(file)
    elif file.suffix == ".wandb":
        yield unbroken(raw)
    elif ".git" in file.parts and raw[:1] == b"\x78":
        yield zlib.decompress(raw)


def _parquet(file: Path) -> bytes:
    import pyarrow.parquet as parquet

    table = parquet.read_table(file)
    texts = [column.to_pylist() for column in table.columns if "string" in str(column.type)]
    return "\n".join(str(value) for column in texts for value in column).encode()


def unbroken(log: bytes) -> bytes:
    """The records of W&B's log one after the other: without the file's start and the header of each piece."""
    pieces, at = [], _LOG_START
    while at + _LOG_HEADER <= len(log):
        if _LOG_BLOCK - at % _LOG_BLOCK < _LOG_HEADER:  # the rest of a block is too short for a header
            at += _LOG_BLOCK - at % _LOG_BLOCK
            continue
        length = int.from_bytes(log[at + 4 : at + 6], "little")
        pieces.append(log[at + _LOG_HEADER : at + _LOG_HEADER + length])
        at += _LOG_HEADER + length
    return b"".join(pieces)


def run(root: Path, *command: str) -> tuple[int, str]:
    """A command's exit status and all that it said."""
    done = subprocess.run(
        command,
        cwd=root,
        env=environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout


def environment(root: Path) -> dict[str, str]:
    """Variables of what runs in the repository at `root`, the secrets among them."""
    own = {"PYTHONPATH": str(root / "src"), "HF_HUB_OFFLINE": "1", "DVC_NO_ANALYTICS": "1"}
    return {**os.environ, **own, "DVC_SITE_CACHE_DIR": str(root / ".site-cache")}
