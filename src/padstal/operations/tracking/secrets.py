"""What must not reach a record: keys that name a secret, values that are one, passwords inside URLs."""

import os
import re
from collections.abc import Mapping
from typing import Any

from padstal.core.passwords import without_passwords

SECRET_WORDS = frozenset(
    {"key", "apikey", "token", "jwt", "secret", "password", "passwd", "passphrase", "credential", "credentials"}
)
SHORTEST_SECRET = 8
"""Shorter values of secret environment variables are not looked for: they would match by accident."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def looks_secret(name: str) -> bool:
    """Whether one of the words of `name` (snake_case, kebab-case or camelCase) names a secret.

    Whole words count: `api_key` and `AwsSecretAccessKey` do, `tokenizer`, `max_tokens` and `keyboard` do not.
    """
    return any(word.lower() in SECRET_WORDS for word in _WORDS.findall(name))


def redact(text: str) -> str:
    """`text` without the values of this process's secret environment variables and without URL passwords."""
    for name, secret in os.environ.items():
        if looks_secret(name) and len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "[removed]")
    return without_passwords(text)


def without_secrets(node: Any) -> Any:
    """A copy of nested mappings, lists and values: secret keys are dropped, strings redacted, tuples lists."""
    if isinstance(node, Mapping):
        return {str(name): without_secrets(item) for name, item in node.items() if not looks_secret(str(name))}
    if isinstance(node, list | tuple | set | frozenset):
        items = sorted(node, key=str) if isinstance(node, set | frozenset) else node
        return [without_secrets(item) for item in items]
    if isinstance(node, str):
        return redact(node)
    if node is None or isinstance(node, bool | int | float):
        return node
    return redact(str(node))


def wandb_credentials() -> str | None:
    """Where W&B credentials are ("WANDB_API_KEY", a file), never what they are; None if there are none."""
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        if os.environ.get(name):
            return name
    return _netrc()


def _netrc() -> str | None:
    import netrc
    from pathlib import Path
    from urllib.parse import urlparse

    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    file = Path(os.environ.get("NETRC", Path.home() / ".netrc"))
    try:
        known = netrc.netrc(str(file)).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return file.name if known else None
