"""W&B's server, as far as lineage needs it: versions by content, who made them, what a run used. Nothing else asks it.

Every call adds only what is not there, so it may be repeated.
"""

from collections.abc import Iterable
from typing import Any

from padstal.tracking.artefact import Artefact
from padstal.tracking.secrets import redact, wandb_credentials

ANSWER_SECONDS = 30
"""A request without an answer by then has failed."""


class ServerError(ValueError):
    """W&B cannot be asked; the message says what is missing, and holds no secret."""


class Server:
    """A project on W&B's server.

    Raises:
        ServerError: No credentials, no answer, or they are refused.
    """

    def __init__(self, project: str, entity: str | None):
        if wandb_credentials() is None:
            raise ServerError("no WANDB_API_KEY in the environment: set it, or `wandb login`, then sync again")
        import wandb

        address = "W&B"
        try:
            self._api = wandb.Api(timeout=ANSWER_SECONDS)
            address = str(self._api.settings["base_url"])
            self.entity = entity or str(self._api.viewer.entity)
        except Exception as error:
            raise ServerError(f"{redact(address)} cannot be asked: {brief(error)}") from None
        self.project = project

    def version(self, artefact: Artefact) -> Any | None:
        """The version with this content, `None` where W&B has none."""
        name = f"{self.entity}/{self.project}/{artefact.collection}:{artefact.content_alias}"
        try:
            return self._api.artifact(name)
        except ValueError as error:
            if "not found" in str(error):
                return None
            raise
        except Exception as error:
            if "not found" in str(error) or "does not exist" in str(error):
                return None
            raise ServerError(f"{name}: {brief(error)}") from None

    def run(self, name: str, project: str = "") -> Any | None:
        """The run with this id, `None` where there is none."""
        from wandb.errors import CommError

        path = f"{self.entity}/{project or self.project}/{name}"
        try:
            return self._api.run(path)
        except (ValueError, CommError) as error:
            if "could not find" in str(error).lower():
                return None
            raise ServerError(f"{path}: {brief(error)}") from None

    def maker(self, version: Any) -> Any | None:
        """The run that made a version."""
        try:
            return version.logged_by()
        except Exception as error:
            raise ServerError(f"{version.name}: {brief(error)}") from None

    def join(self, run: Any, inputs: Iterable[Artefact]) -> tuple[int, list[Artefact]]:
        """Say that `run` used `inputs`: how many it was not known to use, and those that W&B has no version of."""
        known = {version.id for version in run.used_artifacts()}
        added, absent = 0, []
        for artefact in inputs:
            version = self.version(artefact)
            if version is None:
                absent.append(artefact)
            elif version.id not in known:
                run.use_artifact(version)
                known.add(version.id)
                added += 1
        return added, absent

    def name(self, artefact: Artefact, alias: str) -> bool | None:
        """Give a version an alias, which leaves the version that had it; whether it is new, `None` without a version."""
        version = self.version(artefact)
        if version is None:
            return None
        if alias in version.aliases:
            return False
        version.aliases.append(alias)
        version.save()
        return True


def brief(error: Exception) -> str:
    """An error of W&B's in one line without secrets."""
    lines = redact(str(error)).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
