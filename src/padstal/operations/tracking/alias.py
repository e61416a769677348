"""W&B's alias `champion` on the model artifact that was promoted; a courtesy, never a condition."""

import sys
from collections.abc import Mapping
from typing import Any

from padstal.operations.tracking.secrets import redact, wandb_credentials

ALIAS = "champion"


def point(
    artifact: str,
    md5: str,
    version: str,
    *,
    mode: str,
    project: str,
    entity: str | None = None,
    api: Any | None = None,
) -> bool:
    """Give the version of `artifact` that holds the bytes `md5` the aliases "champion" and `version`.

    W&B takes an alias from the version that had it. Only where tracking is online; whatever fails is a warning.

    Args:
        artifact: Name that training logged the model under, e.g. "tal_dit".
        md5: Its address in `dvc.lock`, which training put into the artifact's metadata.
        version: E.g. "v1.2.0".
        mode, project, entity: Where runs are recorded (`tracking` in params).
        api: W&B's public interface; made here if it is not given.

    Returns:
        Whether it was done.
    """
    if mode != "online" or (api is None and wandb_credentials() is None):
        return False
    try:
        if api is None:
            import wandb

            api = wandb.Api(timeout=20)
        name = "/".join(part for part in (entity, project, artifact) if part)
        for one in api.artifacts("artefact", name):
            metadata: Mapping[str, Any] = one.metadata or {}
            if metadata.get("md5") == md5:
                one.aliases.extend(alias for alias in (ALIAS, version) if alias not in one.aliases)
                one.save()
                return True
        _warn(f"no version of {name} holds {md5}")
    except Exception as error:  # the promotion stands whatever W&B says
        _warn(f"{type(error).__name__}: {redact(str(error)).strip().splitlines()[:1]}")
    return False


def _warn(message: str) -> None:
    print(f"promote: W&B alias: {message}; the promotion stands", file=sys.stderr, flush=True)
