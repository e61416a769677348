"""What must be neither shown nor kept: passwords and tokens in addresses, values of secret variables, secret keys.

One redactor for messages, tables, records and logs. What it takes out reads "[removed]".
"""

import os
import re
import sys
import traceback
from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any
from urllib.parse import quote

REMOVED = "[removed]"
SECRET_WORDS = frozenset(
    {
        "accesstoken",
        "apikey",
        "auth",
        "authorization",
        "authtoken",
        "bearer",
        "cookie",
        "credential",
        "credentials",
        "creds",
        "jwt",
        "key",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "passwords",
        "pwd",
        "secret",
        "secrets",
        "sig",
        "signature",
        "token",
    }
)
SHORTEST_SECRET = 8
"""Shorter values of secret environment variables are not looked for: they would match by accident."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_FILTER = re.compile("(?:low|high|band|all)[_-]?pass", re.IGNORECASE)
"""A filter of audio, not a password."""
_USER_INFO = re.compile(r"(?<=://)(?:[^\s/@:]*:\S*|[^\s/@]+)@")
"""Up to the last @ where there is a colon, for a password may hold / and @ (AWS's keys do)."""
_PASSWORD = re.compile(r"://[^\s/@:]*:(\S*)@")
_BARE_USER_INFO = re.compile(r"(?<![\w@:/.-])[\w.+-]+:(?!//)[^\s'\"]+@(?=[\w\[])")
"""The same of an address without a scheme: user:password@host."""
_VALUE = r"""(?P<value>"[^"]*"|'[^']*'|[^\s&#;,'"]+?(?=:?(?:[\s&#;,'"]|$)))"""
_NAMED = (
    re.compile(rf"(?P<name>[\w.-]+)(?P<is> ?= ?){_VALUE}"),
    re.compile(rf"(?P<name>--[\w-]+)(?P<is> ){_VALUE}"),
    re.compile(
        r"""(?P<name>(?P<quote>['"])(?!key['"])[\w.-]+(?P=quote))(?P<is> ?: ?)(?P<value>"[^"]*"|'[^']*'|[^\s,}\]]+)"""
    ),
    re.compile(r"^(?P<name>[ -]*(?!key:)[\w-]+(?<!Error))(?P<is>: +)(?P<value>\S.*)$", re.MULTILINE),
)
"""A part of an address's query or of a connection string; an option; a part of a mapping; a line of YAML."""
_HEADER = re.compile(
    r"\b((?:proxy-)?authorization|(?:set-)?cookie|[\w-]+-(?:key|token|secret)): ?[^\r\n'\"]+", re.IGNORECASE
)
_BEARER = re.compile(r"\b(Bearer|Basic) [\w.~+/=-]{8,}")
_SHAPES = re.compile(
    r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|xox[abp]-|sk-)[\w-]{16,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"
)
"""Tokens of GitHub, GitLab, Hugging Face, Slack and OpenAI; JSON web tokens; private keys."""


@lru_cache(maxsize=1024)  # a redactor asks for each variable of the environment
def looks_secret(name: str) -> bool:
    """Whether one of the words of `name` (snake_case, kebab-case or camelCase) names a secret.

    Whole words count: `api_key` and `AwsSecretAccessKey` do, `tokenizer`, `max_tokens`, `low_pass` and `keyboard` do
    not.
    """
    return any(word.lower() in SECRET_WORDS for word in _WORDS.findall(_FILTER.sub("", name)))


def without_user(address: str) -> str:
    """An address without user name and password, as it may be kept and used."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", address)


def without_passwords(text: str) -> str:
    """`text` without what lies before the host of each address in it, and without secrets of queries."""

    def shown(one: re.Match[str]) -> str:
        return f"{one['name']}{one['is']}{REMOVED}" if looks_secret(one["name"]) else one[0]

    for pattern in (_USER_INFO, _BARE_USER_INFO):
        text = pattern.sub(f"{REMOVED}@", text)
    text = _HEADER.sub(rf"\1: {REMOVED}", _SHAPES.sub(REMOVED, text))
    text = _BEARER.sub(rf"\1 {REMOVED}", text)
    for pattern in _NAMED:
        text = pattern.sub(shown, text)
    return text


def redact(text: str) -> str:
    """`without_passwords`, and without the values of this process's secret environment variables.

    A value may also stand escaped, as in an address; of addresses in variables the password counts. PWD is none: a
    shell keeps there in which folder it is.
    """
    values = [value for name, value in os.environ.items() if looks_secret(name) and name != "PWD"]
    values += [password for value in os.environ.values() for password in _PASSWORD.findall(value)]
    for secret in sorted(values, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, REMOVED).replace(quote(secret, safe=""), REMOVED)
    return without_passwords(text)


def redact_tracebacks() -> None:
    """From now on an error that nothing catches is shown by this process without secrets, too."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))

    sys.excepthook = show


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
