"""Which licences a run may use. What the policy does not name is refused: it fails closed.

In this order: a licence that `deny` names is refused; nothing stated, or a text that is no licence we know and that
`allow` does not name, is for `unknown` to decide; one that forbids commercial use is refused unless `non_commercial`
says "allow"; what `allow` names is allowed; everything else is refused.
"""

from dataclasses import dataclass
from typing import Literal

from padstal.rights.licence import UNKNOWN, family, normalise
from padstal.rights.terms import terms_of

Answer = Literal["allow", "refuse"]


@dataclass(frozen=True)
class Policy:
    """A policy, as `ingest.licences` in params has it.

    Attributes:
        allow: Licences in any spelling; one without a version stands for all its versions.
        deny: Likewise; wins over `allow`.
        non_commercial: Whether licences that forbid commercial use may be used (if `allow` names them).
        unknown: Whether tracks may be used whose licence is not stated, or is none we know.

    Raises:
        ValueError: `allow` names what another part of the policy refuses.
    """

    allow: tuple[str, ...]
    deny: tuple[str, ...]
    non_commercial: Answer
    unknown: Answer

    def __post_init__(self) -> None:
        for entry in self.allow:
            name = normalise(entry)
            terms = terms_of(name)
            if name == UNKNOWN:
                raise ValueError(f"licences.allow names {entry!r}: expected a licence; `unknown` decides on the rest")
            if _named(name, self.deny):
                raise ValueError(f"licences.allow and licences.deny both name {entry!r}: expected it in one of them")
            if terms is not None and terms.non_commercial and self.non_commercial == "refuse":
                raise ValueError(
                    f"licences.allow names {entry!r}, which forbids commercial use: "
                    "take it out, or set licences.non_commercial: allow"
                )

    def refusal(self, licence: str) -> str:
        """Why a track under `licence` may not be used; "" where it may."""
        name = normalise(licence)
        terms = terms_of(name)
        if _named(name, self.deny):
            return f"{name}: among the licences denied"
        if terms is None and not _named(name, self.allow):
            if self.unknown == "allow":
                return ""
            return "no licence is stated" if name == UNKNOWN else f"{name}: no licence we know, and not allowed by name"
        if terms is not None and terms.non_commercial and self.non_commercial == "refuse":
            return f"{name}: forbids commercial use"
        return "" if _named(name, self.allow) else f"{name}: not among the licences allowed"


def _named(name: str, entries: tuple[str, ...]) -> bool:
    listed = {normalise(entry).casefold() for entry in entries}
    return name.casefold() in listed or family(name).casefold() in listed
