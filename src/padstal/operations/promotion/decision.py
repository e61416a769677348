"""A decision as a file: who played, all evidence, every check, and the verdict; and back.

What is read is checked by deciding again from its own evidence, so that a file whose verdict was edited promotes
nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from padstal.core.data.atomic import write_json
from padstal.core.data.content import sha256_file
from padstal.operations.config import GateParams
from padstal.operations.promotion.gate import Evidence, Verdict, decide


@dataclass(frozen=True)
class Side:
    """One of the two models.

    Attributes:
        version: Of a champion, e.g. "v1.2.0"; "" for a challenger and for a revision that was never promoted.
        commit: The revision.
        outs: Path → MD5 in `dvc.lock`, of all that generation and judging need.
        sampling: The setting that it generated with.
    """

    version: str
    commit: str
    outs: Mapping[str, str]
    sampling: Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """All of it.

    Attributes:
        model: Promoted name, e.g. "tal-dit".
        challenger: The workspace.
        changed: Whether files of the workspace differed from its commit.
        replaces: Version that is champion now; "" where there is none.
        champion: What the challenger was compared with; `None` where it was judged by floors alone.
        samples_a_prompt: How many samples each model played of a prompt.
        frozen_prompts: SHA-256 of their file.
        evidence, thresholds, verdict: Of the gate.
    """

    model: str
    scale: str
    challenger: Side
    changed: bool
    replaces: str
    champion: Side | None
    samples_a_prompt: int
    frozen_prompts: str
    evidence: Evidence
    thresholds: GateParams
    verdict: Verdict
    format: Literal["padstal-decision-2"] = "padstal-decision-2"


def write(path: Path, decision: Decision) -> None:
    """Keep a decision; numbers are rounded to 6 digits, and the verdict is that of the rounded ones."""
    content = TypeAdapter(Decision).dump_python(decision)
    write_json(path, {"summary": decision.verdict.summary, **content})


def read(path: Path) -> tuple[Decision, str]:
    """A decision and its digest: the SHA-256 of its file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is something else, or its verdict does not follow from its evidence.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such decision; `padstal challenge --out {path}` makes one")
    try:
        decision = TypeAdapter(Decision).validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path}: no decision of this version, challenge again ({error})") from None
    again = decide(decision.evidence, decision.thresholds)
    if again != decision.verdict:
        raise ValueError(
            f"{path}: its verdict does not follow from its own evidence ({again.summary}); challenge again"
        )
    return decision, sha256_file(path)


def rounded(evidence: Evidence) -> Evidence:
    """Evidence as its file holds it."""
    digits = json.loads(json.dumps(asdict(evidence)), parse_float=lambda digits: float(f"{float(digits):.6g}"))
    return TypeAdapter(Evidence).validate_python(digits)
