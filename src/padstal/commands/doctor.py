"""`padstal doctor`: what this machine has, what is missing, and what would mend it."""

import os
import platform
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from rich.console import Console

from padstal.commands.terminal import shown
from padstal.core.data import room
from padstal.core.dvc_lock import LockError
from padstal.core.model_folder import WEIGHTS
from padstal.core.params import read_yaml
from padstal.core.paths import Paths
from padstal.core.secrets import redact
from padstal.operations.integrity.remotes import RemoteError, cache_of, default_remote, read_config, remote_of
from padstal.operations.integrity.required import Missing, find_missing, first
from padstal.operations.tracking.credentials import wandb_credentials
from padstal.reporting.table import Cell, Table

PACKAGES = (
    *("torch", "torchaudio", "lightning", "transformers", "laion-clap", "descript-audio-codec", "symusic", "soundfile"),
    *("dvc", "prefect", "wandb", "great-expectations", "fastapi", "sqlalchemy"),
)
LEAST_GIBIBYTES = {"demo": (4, 6), "study": (8, 8), "full": (500, 64)}
"""Scale → free disk and memory that it takes."""
DOCTOR_TIMEOUT_SECONDS = 5.0
"""For a store to answer."""
REMOTE_SECONDS = 10.0
"""For the DVC remote to be compared with dvc.lock."""
Mark = Literal["ok", "note", "missing"]


@dataclass(frozen=True)
class Finding:
    """One line of the table: "missing" is needed, "note" is worth knowing."""

    what: str
    mark: Mark
    found: str


def run(root: Path, remote: str = "") -> int:
    """Print the table, with that DVC remote or the default one; 1 if something needed is missing."""
    found = list(findings(root, remote))
    looks = {"ok": "good", "note": "warn", "missing": "bad"}
    rows = tuple((Cell(one.mark, look=looks[one.mark]), one.what, redact(one.found)) for one in found)
    console = Console()
    console.print(shown(Table(("", "", ""), rows)))
    missing = [finding.what for finding in found if finding.mark == "missing"]
    console.print(f"missing: {', '.join(missing)}" if missing else "nothing that is needed is missing")
    return 1 if missing else 0


def findings(root: Path, remote: str = "") -> Iterator[Finding]:
    """All findings; a check that fails is itself one."""
    scale = _scale(root)
    checks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("Python", _python),
        ("packages", _packages),
        ("device", _device),
        ("machine", lambda: _machine(root, scale)),
        ("params", lambda: _params(root)),
        ("buckets", lambda: _buckets(root)),
        ("DVC", lambda: _dvc(root, remote)),
        ("tracking", lambda: _tracking(root)),
        ("GitHub", _github),
        ("weights", lambda: _weights(Paths(root, scale))),
    ]
    for name, check in checks:
        try:
            yield from check()
        except Exception as error:
            yield Finding(name, "missing", f"could not be checked: {type(error).__name__}: {error}")


def _scale(root: Path) -> str:
    try:
        return str(read_yaml(root / "params.yaml")["scale"])
    except ValueError:
        return "demo"


def _python() -> Iterator[Finding]:
    fits = (3, 11) <= sys.version_info[:2] < (3, 13)
    yield Finding("Python", "ok" if fits else "missing", f"{platform.python_version()} (3.11 or 3.12 is needed)")


def _packages() -> Iterator[Finding]:
    for distribution in PACKAGES:
        try:
            yield Finding(distribution, "ok", version(distribution))
        except PackageNotFoundError:
            yield Finding(distribution, "missing", "not installed; `make setup`")


def _device() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        more = f", {torch.cuda.device_count()} in all" if torch.cuda.device_count() > 1 else ""
        yield Finding("GPU", "ok", f"{card.name}, {card.total_memory / 2**30:.0f} GiB{more}")
    else:
        yield Finding("GPU", "note", "none; models run on the CPU")
    yield Finding("CPU", "ok", f"{os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}")


def _machine(root: Path, scale: str) -> Iterator[Finding]:
    import psutil

    least_disk, least_memory = LEAST_GIBIBYTES[scale]
    memory = psutil.virtual_memory().total / 2**30
    disk = shutil.disk_usage(root).free / 2**30
    yield Finding(
        "memory", "ok" if memory >= least_memory else "missing", f"{memory:.1f} GiB ({scale}: {least_memory} GiB)"
    )
    yield Finding("free disk", "ok" if disk >= least_disk else "missing", f"{disk:.1f} GiB ({scale}: {least_disk} GiB)")
    for wrong in room.faults(room.places_written(root, scale)):
        yield Finding("room to write", "missing", wrong)


def _params(root: Path) -> Iterator[Finding]:
    from padstal.stages.params import load_tree

    try:
        tree = load_tree(root / "params.yaml")
    except ValueError as error:
        first, *more = str(error).splitlines()
        yield Finding("params.yaml", "missing", first + (f" (and {len(more)} more: `padstal params`)" if more else ""))
        return
    yield Finding("params.yaml", "ok", f"valid at all scales; active: {tree.scale}")


def _buckets(root: Path) -> Iterator[Finding]:
    """The active scale's S3 sources: asked once each, with little patience."""
    from padstal.core.params import load_section
    from padstal.ingest.config import IngestParams, S3Source
    from padstal.ingest.s3.errors import StoreError
    from padstal.ingest.s3.objects import reach

    for source in load_section(root / "params.yaml", "ingest", IngestParams).sources:
        if isinstance(source, S3Source):
            once = source.fetch.model_copy(update={"timeout_seconds": DOCTOR_TIMEOUT_SECONDS, "attempts": 1})
            try:
                known = reach(source.model_copy(update={"fetch": once}))
                yield Finding(source.uri, "ok", f"answers; credentials: {known}")
            except StoreError as error:
                yield Finding(source.uri, "missing", str(error))


def _dvc(root: Path, remote: str) -> Iterator[Finding]:
    config = read_config(root)
    default, remotes = default_remote(config), sorted(config["remote"])
    known = f"{default} (default)" if default else ", ".join(remotes)
    yield Finding("DVC remote", "ok" if remotes else "note", known or "none; results stay in this clone's cache")
    yield from remote_findings(root, remote)


def remote_findings(root: Path, name: str) -> Iterator[Finding]:
    """What the DVC remote lacks of what dvc.lock names; a remote in a store is listed, with little patience."""
    what = "DVC remote's objects"
    config = read_config(root)
    if not (name or default_remote(config)):
        return
    answer: Future[Missing] = Future()

    def ask() -> None:
        try:
            answer.set_result(find_missing(root, cache_of(config), remote_of(config, name)))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answer.result(REMOTE_SECONDS)
    except LockError as error:
        yield Finding("dvc.lock", "missing", str(error))
    except FileNotFoundError:
        yield Finding(what, "ok", "there is no dvc.lock yet that names any")
    except TimeoutError:
        yield Finding(what, "note", f"not listed within {REMOTE_SECONDS:.0f} s; `padstal fsck --remote` takes its time")
    except RemoteError as error:
        yield Finding(what, "missing", str(error))
    except ValueError as error:
        yield Finding(what, "note", str(error))
    else:
        yield Finding(what, "note" if found.absent else "ok", _lack(found))


def _lack(found: Missing) -> str:
    if not found.absent:
        return f"all {len(found.named)} that dvc.lock names"
    paths = first(f"{item.path} ({item.out.stage})" for item in found.absent)
    lacks = f"lacks {len(found.absent)} of {len(found.named)} that dvc.lock names: {paths}"
    if len(found.elsewhere) < len(found.absent):
        lacks += "; `padstal push` sends them"
    if found.elsewhere:
        stages = first(item.out.stage for item in found.elsewhere)
        lacks += f"; {len(found.elsewhere)} are not in this cache either: `dvc repro` of {stages}"
    return lacks


def _tracking(root: Path) -> Iterator[Finding]:
    mode = read_yaml(root / "params.yaml")["tracking"]["mode"]
    where = wandb_credentials()
    found = f"credentials in {where}" if where else "no credentials"
    yield Finding("W&B", "missing" if mode == "online" and not where else "ok", f"{found}; tracking.mode is {mode}")


def _github() -> Iterator[Finding]:
    """The settings of our own runner, where GitHub can be asked."""
    from padstal.commands.doctor_runners import faults

    for what, wrong in faults(os.environ):
        mark: Mark = "ok" if not wrong else "note" if wrong.startswith("GitHub does not say") else "missing"
        yield Finding(what, mark, wrong or "as docs/runners.md says")


def _weights(paths: Paths) -> Iterator[Finding]:
    listed = read_yaml(paths.params)
    kinds = {
        "foundation": ("clap", "pmos", "tagger", "text_encoder", "flan_t5"),
        "vae": tuple(listed.get("codecs", ())),
        "diffusion": tuple(place["folder"] for place in listed.get("denoisers", {}).values()),
    }
    for kind, names in kinds.items():
        absent = [name for name in names if not (paths.models / kind / name / WEIGHTS).is_file()]
        found = f"no {', '.join(absent)}; `make repro` trains or fetches them" if absent else ", ".join(names)
        yield Finding(f"{kind} weights ({paths.scale})", "note" if absent else "ok", found)
