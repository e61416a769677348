"""Cells of tables as plain text: null words, tags however they are listed, names shown so that differences are seen.

Whoever writes a table with pandas, NumPy or JSON may leave `nan`, `None` or `['rock', 'drum and bass']` as text in it.
"""

import ast
import json
import re
from collections.abc import Iterable

LONGEST_SHOWN = 300
_MACHINE_NULLS = frozenset(
    {"", "nan", "-nan", "np.nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "<na>", "pd.na", "nat", "undefined"}
    | {"null", "(null)", "\\n", "nil", "#n/a", "#na", "#n/a n/a", "#nv"}
)
_NULLS = (
    _MACHINE_NULLS
    | {"none", "(none)", "<none>", "n/a", "na", "n.a.", "-", "--"}
    | {"#null!", "#ref!", "#value!", "#name?", "#div/0!", "#num!"}
)
_LIST = re.compile(r"\[(.*)\]|\((?=['\")])(.*)\)|\{([^{}]*)\}", re.DOTALL)
_ARRAY = re.compile(r"(?:(?:np\.)?array|Series|Index|(?:frozen)?set|list|tuple)\((.*?)(?:,\s*dtype=\S+)?\)", re.DOTALL)
_STRING = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ITEM = re.compile(rf"""\s*(?:np\.str_\(|[bu])?({_STRING})\)?|([^,;'"\[\]]+)""", re.DOTALL)
_NAME = re.compile(rf"""['"]name['"]\s*:\s*({_STRING})()""", re.DOTALL)


def without_null(text: str) -> str:
    """The text; "" for a word that stands for nothing, such as "nan", "None" or "N/A"."""
    return "" if _bare(text) in _NULLS else text


def stated_licence(text: str) -> str:
    """The text; "" for what only a machine writes for nothing, such as "nan" or "null".

    "None" and "N/A" stay: an owner may have written them, and then the source's licence must not take their place.
    """
    return "" if _bare(text) in _MACHINE_NULLS else text


def _bare(text: str) -> str:
    text = text.strip().casefold()
    return text[1:-1].strip() if len(text) > 2 and text[0] == text[-1] == '"' else text


def bare_digest(text: str) -> str:
    """A SHA-256 in small letters, without the prefix that says so; "" for a null word."""
    return without_null(text).strip().lower().removeprefix("sha256:")


def split_tags(text: str) -> list[str]:
    """Tags of a cell: separated by ";" or ",", or a list as Python, pandas, NumPy, JSON or Postgres write it.

    Of a list of objects, their names.
    """
    text = text.strip()
    array = _ARRAY.fullmatch(text)
    within = array.group(1).strip() if array else text
    listed = _LIST.fullmatch(within)
    if not listed:
        return flat([text if within else ""])
    items = (
        _NAME.findall(within)
        if re.match(r"[\[(]\s*{", within)
        else _ITEM.findall(next(filter(None, listed.groups()), ""))
    )
    return flat(_unquoted(quoted or plain) for quoted, plain in items if plain.strip() != "...")


def flat(items: Iterable[str]) -> list[str]:
    """Tags in order; one with a "," or ";" is as many, and null words are none."""
    pieces = (without_null(piece.strip()) for item in items for piece in re.split("[,;]", item))
    return [piece for piece in pieces if piece]


def shorten(text: str) -> str:
    """The start of a text that may be long or odd, to be shown."""
    return text[:LONGEST_SHOWN].encode("utf-8", "backslashreplace").decode()


def visible(name: str) -> str:
    """A name in quotes, all but ASCII as escapes: names that look alike are seen to differ."""
    return ascii(name[:LONGEST_SHOWN])


def _unquoted(item: str) -> str:
    """A quoted item without its quotes and escapes."""
    item = item.strip()
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(item) if item[:1] in ("'", '"') else item
        except (ValueError, SyntaxError, MemoryError):
            continue
        return str(found)
    return item.strip("'\"")
