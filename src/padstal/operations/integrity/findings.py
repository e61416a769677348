"""What a check found wrong, and what became of it."""

from dataclasses import dataclass
from typing import Literal

Fault = Literal["corrupt", "lost", "differs", "unreadable", "stray", "note"]
Location = Literal["cache", "remote", "workspace", "dvc.lock", "run-cache", "locks", ".state"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        where: It lies.
        fault: What is wrong: "corrupt" (other bytes than its name says), "lost" (named by dvc.lock and nowhere to be
            found), "differs" (from dvc.lock), "unreadable", "stray" (left by a killed process), or "note" (no fault).
        what: The object or path.
        detail: In words.
        belongs: Where it belongs: "models/demo/vae/tal/model.safetensors (train_vae@tal)"; "" where nothing names it.
        repaired: What repaired it; "" if nothing did.
        advice: What a person can do; "" for nothing.
    """

    where: Location
    fault: Fault
    what: str
    detail: str
    belongs: str = ""
    repaired: str = ""
    advice: str = ""

    @property
    def open(self) -> bool:
        """A fault that is still there."""
        return self.fault != "note" and not self.repaired


@dataclass(frozen=True)
class Counts:
    """How many objects were looked at; `by` says how it was found out what they are."""

    where: str
    objects: int
    bytes: int
    by: dict[str, int]


@dataclass(frozen=True)
class Report:
    """Of one `fsck`."""

    findings: tuple[Finding, ...]
    counts: tuple[Counts, ...]

    @property
    def clean(self) -> bool:
        return not any(finding.open for finding in self.findings)
