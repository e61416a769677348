"""What must be neither shown nor kept: passwords and tokens in addresses, values of secret variables, secret keys.

One redactor for messages, tables, records and logs. What it takes out reads "[removed]".
"""

import os
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

REMOVED = "[removed]"
SECRET_WORDS = frozenset(
    {
        "apikey",
        "authorization",
        "credential",
        "credentials",
        "jwt",
        "key",
        "passphrase",
        "passwd",
        "password",
        "pwd",
        "secret",
        "sig",
        "signature",
        "token",
    }
)
SHORTEST_SECRET = 8
"""Shorter values of secret environment variables are not looked for: they would match by accident."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_USER_INFO = re.compile(r"(?<=://)(?:[^\s/@:]*:\S*|[^\s/@]+)@")
"""Up to the last @ where there is a colon, for a password may hold / and @ (AWS's keys do)."""
_BARE_USER_INFO = re.compile(r"(?<![\w@:/.-])[\w.+-]+:(?!//)[^\s'\"]+@(?=[\w\[])")
"""The same of an address without a scheme: user:password@host."""
_ASSIGNED = re.compile(r"(?P<name>[\w.-]+)=(?P<value>[^\s&#;,'\"]+)")
"""A part of an address's query, or of a connection string: token=…"""
_BEARER = re.compile(r"\b(Bearer|Basic) [\w.~+/=-]{8,}")


@lru_cache(maxsize=1024)  # a redactor asks for each variable of the environment
def looks_secret(name: str) -> bool:
    """Whether one of the words of `name` (snake_case, kebab-case or camelCase) names a secret.

    Whole words count: `api_key` and `AwsSecretAccessKey` do, `tokenizer`, `max_tokens` and `keyboard` do not.
    """
    return any(word.lower() in SECRET_WORDS for word in _WORDS.findall(name))


def without_user(address: str) -> str:
    """An address without user name and password, as it may be kept and used."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", address)


def without_passwords(text: str) -> str:
    """`text` without what lies before the host of each address in it, and without secrets of queries."""
    text = _USER_INFO.sub(f"{REMOVED}@", text)
    text = _BARE_USER_INFO.sub(f"{REMOVED}@", text)
    text = _BEARER.sub(rf"\1 {REMOVED}", text)
    return _ASSIGNED.sub(lambda one: f"{one['name']}={REMOVED}" if looks_secret(one["name"]) else one[0], text)


def redact(text: str) -> str:
    """`without_passwords`, and without the values of this process's secret environment variables.

    PWD is none: a shell keeps there in which folder it is.
    """
    for name, secret in os.environ.items():
        if looks_secret(name) and name != "PWD" and len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, REMOVED)
    return without_passwords(text)


def without_secrets(node: Any) -> Any:
    """A copy of nested mappings, lists and values: secret keys are dropped, strings redacted, tuples lists."""
    if isinstance(node, Mapping):
        return {str(name): without_secrets(item) for name, item in node.items() if not looks_secret(str(name))}
    if isinstance(node, list | tuple | set | frozenset):
        items = sorted(node, key=str) if isinstance(node, set | frozenset) else node
        return [without_secrets(item) for item in items]
    if node is None or isinstance(node, bool | int | float):
        return node
    return redact(str(node))
