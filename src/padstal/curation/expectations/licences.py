"""Whether every clip's licence lies inside the policy: asked again of what ingest wrote, as a second defence."""

import pandas as pd

from padstal.curation.expectations.expectation import WITHIN, Expectation
from padstal.rights.policy import Policy

ALLOWED = "allowed"


def licence_expectations() -> tuple[Expectation, ...]:
    """What is expected of the licences of "clips", after `with_verdicts`."""
    limits = {"value_set": [ALLOWED]}
    name = "every licence is allowed by the policy"
    advice = "the manifest is not what ingest writes under ingest.licences: rerun it"
    return (Expectation(name, "clips", WITHIN, "licence_verdict", "critical", limits, advice=advice),)


def with_verdicts(clips: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """`clips` with the policy's word on each licence: "allowed", or why not."""
    verdicts = {licence: policy.refusal(str(licence)) or ALLOWED for licence in clips["licence"].unique()}
    return clips.assign(licence_verdict=clips["licence"].map(verdicts))
