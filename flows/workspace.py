"""A run's own workspace: a fresh clone of the repository at one commit, removed at the end, or by the next run.

    with workspace("evaluate", revision="main") as root:
        repro("evaluate", root, say, pull=True)

Under the base folder (`PADSTAL_WORKSPACES`, else `.workspaces/` of the checkout that this file is part of) each
repository has a folder with

    runs/<name>-<random>/repository   the clones, each with a lock that its run and the run's children hold
    state/                            `.state/` of all clones: a training that was killed goes on in the next one
    mirror/                           `data/mirror/` of all clones: buckets are not fetched anew
    wandb/                            `wandb/` of all clones: runs recorded offline outlive the clone

The DVC cache is the checkout's (or `PADSTAL_DVC_CACHE`). What a stage has written there DVC finds again, so a run that
was killed costs no stage that had finished.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from padstal.core.file_lock import BusyError, file_lock
from padstal.core.git import GitError, git, try_git
from padstal.core.secrets import without_user
from padstal.operations.integrity.remotes import cache_of, read_config
from padstal.operations.lineage.checkouts import workspaces

HOME = Path(__file__).resolve().parents[1]
"""The checkout that this code is part of."""
CACHE_VARIABLE = "PADSTAL_DVC_CACHE"
SHARED = {"state": ".state", "mirror": "data/mirror", "wandb": "wandb"}
"""Folder that all runs of a repository share → where a clone has it."""
AUTHOR = {"user.name": "padstal", "user.email": "padstal@localhost"}
"""Whose commits a machine makes where git knows nobody."""


@contextmanager
def workspace(
    name: str,
    *,
    revision: str = "main",
    repository: str | None = None,
    home: Path = HOME,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Path]:
    """A fresh clone at `revision` for this run alone; what it was cloned from is its `origin`.

    Args:
        name: What the run does ("retrain"); part of the folder's name.
        revision: A branch of the repository, a tag or a commit.
        repository: Address or path; by default the `origin` of `home`, or `home` itself where it has none.
        home: The checkout whose DVC cache is shared, and that relative DVC remotes are relative to.
        say: Gets a line for a person.

    Raises:
        GitError: It cannot be cloned, or there is no such revision.
    """
    address = repository or origin_of(home)
    shared = shared_folder(address, workspaces(home).resolve())
    with ExitStack() as stack:
        with file_lock(shared / "runs.lock", say=say):  # so that nobody sweeps a folder between its birth and its lock
            for swept in sweep(shared):
                say(f"removed {swept.name}, left by a run that is dead")
            folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=shared / "runs"))
            stack.enter_context(file_lock(folder / "lock", wait=False))
        root = folder / "repository"
        try:
            git(shared, "clone", "-q", "--no-checkout", address, str(root))
            commit = _commit_of(root, revision, address)
            git(root, "checkout", "-q", "--detach", commit)
            set_author(root)
            _share(root, shared)
            _configure_dvc(root, home, folder)
            say(f"workspace {root} at {commit[:12]} of {without_user(address)}")
            if repository is None and (unseen := not_pushed(home)):
                say(f"WARNING: {unseen}. This run does not see them: commit and `git push` what it is to use")
            yield root
        except Exception:
            say(f"workspace {root} stays until the next run, to be looked into")
            raise
        shutil.rmtree(folder)


def not_pushed(home: Path) -> str:
    """What a checkout has that its `origin` lacks: changed files, commits; "" for nothing."""
    changed = [line[3:] for line in git(home, "status", "--porcelain", "--untracked-files=no").splitlines()]
    ahead = try_git(home, "rev-list", "--count", "HEAD", "--not", "--remotes") if try_git(home, "remote") else ""
    parts = [f"changes of {', '.join(changed[:5])} that are not committed"] if changed else []
    parts += [f"{ahead} commits that are not pushed"] if ahead not in ("", "0") else []
    return f"{home} has {' and '.join(parts)}" if parts else ""


def set_author(root: Path) -> None:
    """Name an author for the commits of this clone if git knows none."""
    for key, value in AUTHOR.items():
        if not try_git(root, "config", key):
            git(root, "config", key, value)


def origin_of(home: Path) -> str:
    """Address of `origin` of a checkout; the checkout itself where it has no `origin`."""
    return without_user(try_git(home, "config", "--get", "remote.origin.url")) or str(home)


def shared_folder(address: str, base: Path) -> Path:
    """What all runs of the repository at `address` share, made if needed."""
    plain = without_user(address).rstrip("/").removesuffix(".git")
    readable = PurePosixPath(urlsplit(plain).path).name or "repository"
    shared = base / f"{readable}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"
    for folder in ("runs", *SHARED):
        (shared / folder).mkdir(parents=True, exist_ok=True)
    return shared


def sweep(shared: Path) -> list[Path]:
    """Remove the workspaces of dead runs; gives the removed ones.

    To be called with `runs.lock` held.
    """
    dead = []
    for folder in (shared / "runs").iterdir():
        try:
            with file_lock(folder / "lock", wait=False):
                dead.append(folder)
        except BusyError:
            continue
    for folder in dead:
        shutil.rmtree(folder)
    return dead


def _commit_of(root: Path, revision: str, address: str) -> str:
    """The commit of a branch of origin, else of a tag, else the commit of that name."""
    for name in (f"refs/remotes/origin/{revision}", f"refs/tags/{revision}", revision):
        if commit := try_git(root, "rev-parse", "--verify", "-q", "--end-of-options", f"{name}^{{commit}}"):
            return commit
    raise GitError(f"{revision!r}: no branch, tag or commit of {without_user(address)}")


def _share(root: Path, shared: Path) -> None:
    """Links to what outlives the clone; git is told to leave them out, since `.gitignore` means folders."""
    for folder, place in SHARED.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).symlink_to(shared / folder, target_is_directory=True)
    with open(root / ".git" / "info" / "exclude", "a", encoding="utf-8") as exclude:
        exclude.writelines(f"/{place}\n" for place in (*SHARED.values(), ".dvc/config.local"))


def _configure_dvc(root: Path, home: Path, folder: Path) -> None:
    """`.dvc/config.local`: the shared cache, remotes that are folders, and DVC's own notes beside the clone."""
    from dvc.config_schema import RelPath

    config = read_config(root)
    remotes = {
        name: home / ".dvc" / os.path.relpath(remote["url"], root / ".dvc")
        for name, remote in config["remote"].items()
        if isinstance(remote["url"], RelPath)
    }
    with config.edit("local") as local:
        local["core"]["site_cache_dir"] = str(folder / "dvc")
        local["cache"]["dir"] = os.environ.get(CACHE_VARIABLE) or cache_of(read_config(home)).base
        for name, place in remotes.items():
            local["remote"].setdefault(name, {})["url"] = os.path.normpath(place)
