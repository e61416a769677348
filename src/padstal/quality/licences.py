"""Whether every clip's licence lies inside the policy: asked again of what ingest wrote, as a second defence."""

import pandas as pd

from padstal.audio.licence_policy import Policy
from padstal.quality.expectations import Expectation

ALLOWED = "allowed"


def licence_expectations() -> tuple[Expectation, ...]:
    """What is expected of the licences of "clips", after `with_verdicts`."""
    limits = {"value_set": [ALLOWED]}
    name = "every licence is allowed by the policy"
    return (Expectation(name, "clips", "ExpectColumnValuesToBeInSet", "licence_verdict", "critical", limits),)


def with_verdicts(clips: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """`clips` with the policy's word on each licence: "allowed", or why not."""
    verdicts = {licence: policy.refusal(str(licence)) or ALLOWED for licence in clips["licence"].unique()}
    return clips.assign(licence_verdict=clips["licence"].map(verdicts))
