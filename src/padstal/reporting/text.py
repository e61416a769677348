"""Numbers as people read them: units, intervals, thousands, and "not measured" where there is none."""

import math
import re
from collections.abc import Sequence
from typing import Any

from padstal.evaluation.metrics import METRICS

MISSING = "not measured"
MINUS = "\u2212"
THIN_SPACE = "\u202f"


def number(value: Any, digits: int = 3) -> str:
    """`value` with `digits` significant digits, from 0.01 on at most three decimals; whole numbers stay whole."""
    if value is None or isinstance(value, bool):
        return MISSING if value is None else ("yes" if value else "no")
    if isinstance(value, str):
        return value
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, int):
        return f"{value:,}".replace(",", THIN_SPACE)
    if not math.isfinite(value):
        return MISSING
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e").replace("-", MINUS)
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else digits
    if abs(value) >= 0.01 or value == 0:
        decimals = min(decimals, 3)
    return f"{value:,.{decimals}f}".replace(",", THIN_SPACE).replace("-", MINUS)


def setting(value: Any) -> str:
    """A param as it was set: every digit, no trailing zeros."""
    if isinstance(value, float) and not isinstance(value, bool):
        return f"{value:.6g}".replace("-", MINUS)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return "null" if value is None else number(value)


def ends(found: Any) -> tuple[float, float] | None:
    """(low, high) of an interval, if it is one."""
    if not isinstance(found, Sequence) or len(found) != 2 or not all(map(finite, found)) or found[0] > found[1]:
        return None
    return float(found[0]), float(found[1])


def bounds(found: Any) -> str:
    """An interval as `[low, high]`; "" for anything else, e.g. `None`."""
    known = ends(found)
    return f"[{number(known[0])}, {number(known[1])}]" if known else ""


def percent(share: float) -> str:
    """A share from 0 to 1 in percent."""
    return f"{100 * share:.1f} %"


def finite(value: Any) -> bool:
    """Whether `value` is a number that can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def figure(value: Any) -> float | None:
    """`value` if it is a number that can be drawn."""
    return float(value) if finite(value) else None


def duration(seconds: float) -> str:
    """Seconds as "3 h 20 min", "12 min" or "45 s"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def words(key: str) -> str:
    """A metric's or param's key as words: `clap_f` → "CLAP-f", `train_vae` → "train VAE"."""
    if key in METRICS:
        return METRICS[key].label
    if key in _NAMES:
        return _NAMES[key]
    key = key.replace("clap_f_", "CLAP-f ")
    return " ".join(_word(token) for token in key.split("_") if token)


def labelled(label: str) -> str:
    """A label of a setting or sweep, or both, in words: "tal_dit · pads τ1 = 0.3" → "TAL DiT · PADS τ1 = 0.3"."""
    parts = (part.partition(" ") for part in label.split(" · "))
    return " · ".join(f"{words(name)}{space}{rest}" for name, space, rest in parts)


def _word(token: str) -> str:
    return METRICS[token].label if token in METRICS else _TOKENS.get(token, token)


def visible(text: str) -> str:
    """Text from outside as one line that steers neither terminal nor page: the unprintable is written as its code."""
    one_line = " ".join(str(text).split())
    return "".join(
        character if character.isprintable() or character == THIN_SPACE else f"\\x{ord(character):02x}"
        for character in one_line
    )


def escape_markdown(text: str) -> str:
    """Text from outside for one Markdown cell or sentence: no markup, no HTML, no links, one line.

    A word joiner after `@` and `#` keeps forges from turning names and numbers into mentions.
    """
    one_line = " ".join(str(text).split())
    one_line = re.sub(r"[\\`*_\[\]~|$]", r"\\\g<0>", one_line)
    one_line = re.sub(r"[<>&]", lambda match: f"&#{ord(match.group())};", one_line)
    one_line = re.sub(r"(?<!&)[@#](?=\w)", "\\g<0>\u2060", one_line)
    return re.sub(r"(?i)(?<=www)\.", "&#46;", one_line.replace("://", ":&#47;&#47;"))


_NAMES = {"qa_mdt": "QA-MDT", "flan_t5": "FLAN-T5", "discodiff": "DiscoDiff", "none": "unperturbed", "is": "IS"}
_TOKENS = {
    "cads": "CADS",
    "clap": "CLAP",
    "dit": "DiT",
    "ema": "EMA",
    "lufs": "LUFS",
    "mos": "MOS",
    "mrstft": "MRSTFT",
    "pads": "PADS",
    "spearman": "Spearman",
    "tal": "TAL",
    "vae": "VAE",
}
