"""Numbers as people read them: units, intervals, thousands, and "not measured" where there is none."""

import math
import re
from typing import Any

MISSING = "not measured"


def number(value: Any, digits: int = 3) -> str:
    """`value` with `digits` significant digits, thousands set off; whole numbers stay whole."""
    if value is None or isinstance(value, bool):
        return MISSING if value is None else ("yes" if value else "no")
    if isinstance(value, str):
        return value
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return MISSING
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    if value != 0 and not 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-").replace("e+0", "e")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else digits - 1
    return f"{value:,.{decimals}f}".replace(",", "\u202f").replace("-", "\u2212")


def interval(low: Any, high: Any, digits: int = 3) -> str:
    """`[low, high]`, or nothing where an end is missing."""
    if not finite(low) or not finite(high):
        return ""
    return f"[{number(float(low), digits)}, {number(float(high), digits)}]"


def finite(value: Any) -> bool:
    """Whether `value` is a number that can be drawn."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def duration(seconds: float) -> str:
    """Seconds as "3 h 20 min", "12 min" or "45 s"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def words(key: str) -> str:
    """A metric's or param's key as words: `clap_f` → "CLAP-f", `licence_mix` → "licence mix"."""
    return _NAMES.get(key, key.replace("_", " "))


def escape_markdown(text: str) -> str:
    """Text from outside for one Markdown cell or sentence: no markup, no HTML, no links, one line.

    A word joiner after `@` and `#` keeps forges from turning names and numbers into mentions.
    """
    one_line = " ".join(str(text).split())
    one_line = re.sub(r"[\\`*_\[\]~|$]", r"\\\g<0>", one_line)
    one_line = re.sub(r"[<>&]", lambda match: f"&#{ord(match.group())};", one_line)
    one_line = re.sub(r"(?<!&)[@#](?=\w)", "\\g<0>\u2060", one_line)
    return re.sub(r"(?i)(?<=www)\.", "&#46;", one_line.replace("://", ":&#47;&#47;"))


_NAMES = {
    "clap_f": "CLAP-f",
    "vendi": "Vendi",
    "ibs": "IBS",
    "mrecall": "mRecall",
    "kl": "KL",
    "fd": "FD",
    "pmos": "p-MOS",
    "is": "IS",
    "inception_score": "inception score",
    "audio_dit": "audio DiT",
    "tal_dit": "TAL DiT",
    "audio": "audio",
    "tal": "TAL",
    "clap": "CLAP",
    "none": "none",
    "cads": "CADS",
    "pads": "PADS",
    "text_encoder": "text encoder",
}
