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
from urllib.parse import unquote

REMOVED = "[removed]"
SECRET_WORDS = frozenset(
    {
        "auth",
        "authorization",
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
        "pat",
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
_RUN_TOGETHER = re.compile(
    r"(?:passw(?:or)?d|secret|(?:db|pg|ssh|user)pass|(?:access|api|auth|secret)[_-]?(?:key|token))s?(?![a-z])",
    re.IGNORECASE,
)
"""Secrets whose name no mark divides into words (PGPASSWORD, SECRETKEY), and several (api_keys)."""
_NONE = re.compile("(?:low|high|band|all)[_-]?pass|(?:key|token)_(?:dim|length|size|variable)", re.IGNORECASE)
"""A filter of audio, a measure of an attention's keys or a text's tokens, and in which variable a key is."""
_USER_INFO = re.compile(r"(?<=://)(?:[^\s/@:]*:\S*|[^\s/@]+)@")
"""Up to the last @ where there is a colon, for a password may hold / and @ (AWS's keys do)."""
_PASSWORD = re.compile(r"://[^\s/@:]*:(\S*)@")
_BARE_USER_INFO = re.compile(r"(?<![\w@:/.-])[\w.+-]+:(?!//)[^\s'\"]+@(?=[\w\[])")
"""The same of an address without a scheme: user:password@host."""
_QUOTED = r"""(?P<open>\\{0,7}["'])(?:''|[\s\S])*?(?:(?<!\\)(?P=open)(?!(?<=')')|\Z)"""
"""Its quotes may be escaped, hold escaped or doubled ones, and lack the last."""
_WHOLE = rf"{_QUOTED}|(?!\[removed\])[{{\[](?:[\s\S]*[}}\]]|.*)"
"""A quoted text; a mapping or list, up to the last bracket there is."""
_WORD = re.compile(rf"""{_WHOLE}|[^\s&#;,'"]+?(?=:?(?:[\s&#;,'"]|$))""")
_ITEM = re.compile(rf"(?:[!&]\S* +)*(?:{_WHOLE}|[^\s,{{}}\[\]][^\n,}}\]]*)")
_NAMED = (
    (re.compile(r"(?<![\w.-])(?P<name>[\w.-]+) ?= ?"), _WORD),
    (re.compile(r"(?P<name>--[\w-]+) "), _WORD),
    (re.compile(r"""(?P<quote>\\{0,7}['"])(?P<name>(?!key\\{0,7}['"])[\w.-]+)(?P=quote) ?: *"""), _ITEM),
    (re.compile(r"[{,\[]\s*(?P<name>(?!key *:)[\w-]+) ?: *"), _ITEM),
    (re.compile(r"^[ -]*(?P<name>(?!key:)[\w-]+)(?<!Error): *", re.MULTILINE), re.compile(r"(?!\[removed\])\S.*")),
)
"""A part of an address's query or of a connection string; an option; parts of a mapping; a line of YAML."""
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

    Whole words count: `api_key`, `PGPASSWORD` and `AwsSecretAccessKey` do, `tokenizer`, `max_tokens`, `low_pass` and
    `keyboard` do not.
    """
    words = _WORDS.findall(_NONE.sub("", name))
    return any(word.lower() in SECRET_WORDS for word in words) or bool(_RUN_TOGETHER.search(name))


def without_user(address: str) -> str:
    """An address without user name and password, as it may be kept and used."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", address)


def without_passwords(text: str) -> str:
    """`text` without what lies before the host of each address in it, and without secrets of queries."""
    for pattern in (_USER_INFO, _BARE_USER_INFO):
        text = pattern.sub(f"{REMOVED}@", text)
    text = _HEADER.sub(rf"\1: {REMOVED}", _SHAPES.sub(REMOVED, text))
    text = _BEARER.sub(rf"\1 {REMOVED}", text)
    for named, value in _NAMED:
        text = _without_values(text, named, value)
    return text


def _without_values(text: str, named: re.Pattern[str], value: re.Pattern[str]) -> str:
    """`text` without what follows secret names; what follows others is looked through in turn."""
    shown, at = [], 0
    while found := named.search(text, at):
        secret = value.match(text, found.end()) if looks_secret(found["name"]) else None
        shown += [text[at : found.end()], REMOVED if secret else ""]
        at = secret.end() if secret else found.end()
    return "".join([*shown, text[at:]])


def redact(text: str) -> str:
    """`without_passwords`, and without the values of this process's secret environment variables.

    Of addresses in variables the password counts. PWD is none: a shell keeps there in which folder it is.
    """
    values = [value for name, value in os.environ.items() if looks_secret(name) and name != "PWD"]
    values += [password for value in os.environ.values() for password in _PASSWORD.findall(value)]
    if known := tuple(sorted({one for one in values if len(one) >= SHORTEST_SECRET}, key=len, reverse=True)):
        text = _any_of(known).sub(REMOVED, text)
    return without_passwords(text)


@lru_cache(maxsize=8)
def _any_of(secrets: tuple[str, ...]) -> re.Pattern[str]:
    """One of these as it is, or with any of its characters escaped as in an address, in JSON or by `repr`."""

    def written(char: str) -> str:
        percent = "".join(f"%{byte:02x}" for byte in char.encode(errors="surrogateescape"))
        escaped = re.escape({"\n": "n", "\t": "t", "\r": "r"}.get(char, char))
        plus = r"|\+" if char == " " else ""
        return rf"(?:{re.escape(char)}|\\{{1,7}}{escaped}|(?i:{percent}|\\{{1,7}}u{ord(char):04x}){plus})"

    return re.compile("|".join("".join(map(written, unquote(one, errors="surrogateescape"))) for one in secrets))


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
