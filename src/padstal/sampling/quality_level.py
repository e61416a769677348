"""The quality that a denoiser can be told: levels that training clips had (QA-MDT 4.1).

Where p-MOS ends near its mean, as of music that is mostly clean, no clip is far above it, and the highest levels have
none. What a denoiser was never told means nothing to it, so asking for one of those asks for the nearest that it knows.
"""

from collections.abc import Collection
from math import ceil, floor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from padstal.sampling.setting import Setting

HIGHEST = 5
QUALITY = "quality"
"""Name of the attribute."""


def nearest_level(asked: float, levels: Collection[int]) -> float:
    """`asked` where the levels around it are among `levels`, else the nearest of these; 0 is unknown, and stays.

    Raises:
        ValueError: It is no level.
    """
    if asked and not 1 <= asked <= HIGHEST:
        raise ValueError(f"quality level {asked:g}: expected 1 to {HIGHEST}, or 0 for unknown")
    if not asked or not levels or {floor(asked), ceil(asked)} <= set(levels):
        return asked
    return float(min(levels, key=lambda level: abs(level - asked)))


def nearest_setting(setting: "Setting", levels: Collection[int]) -> "Setting":
    """`setting` with the nearest levels, of the samples and of guidance.

    Raises:
        ValueError: One is no level.
    """
    tree = setting.model_dump()
    for part, name in ((tree["attributes"], QUALITY), (tree["guidance"], "low")):
        if name in part:
            part[name] = nearest_level(part[name], levels)
    return type(setting).model_validate(tree)
