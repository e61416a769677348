"""Which licences a run may use. What the policy does not name is refused: it fails closed.

In this order: a licence that `deny` names is refused; nothing stated, or a text that is no licence we know and that
`allow` does not name, is for `unknown` to decide; one that forbids commercial use is refused unless `non_commercial`
says "allow"; what `allow` names is allowed; everything else is refused.
"""

from typing import Literal

from pydantic import model_validator

from padstal.core.section import Section, value
from padstal.rights.licence import UNKNOWN, family, normalise
from padstal.rights.terms import terms_of


class Policy(Section):
    """`ingest.licences`: licences that tracks may have; one that names what another part refuses is an error."""

    allow: tuple[str, ...] = value(
        "licences that may be used, in any spelling; one without a version stands for all its versions",
        "SPDX or CC ids",
        min_length=1,
    )
    deny: tuple[str, ...] = value("licences that may not be used; wins over `allow`", "SPDX or CC ids")
    non_commercial: Literal["allow", "refuse"] = value(
        "whether licences that forbid commercial use may be used, if `allow` names them"
    )
    unknown: Literal["allow", "refuse"] = value(
        "whether tracks may be used whose licence is not stated, or is none we know"
    )

    @model_validator(mode="after")
    def _does_not_contradict_itself(self) -> "Policy":
        for entry in self.allow:
            name = normalise(entry)
            terms = terms_of(name)
            if name == UNKNOWN:
                raise ValueError(f"allow names {entry!r}: expected a licence; `unknown` decides on the rest")
            if _named(name, self.deny):
                raise ValueError(f"allow and deny both name {entry!r}: expected it in one of them")
            if terms is not None and terms.non_commercial and self.non_commercial == "refuse":
                raise ValueError(
                    f"allow names {entry!r}, which forbids commercial use: take it out, or set non_commercial: allow"
                )
        return self

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
