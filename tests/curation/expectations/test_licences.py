"""The policy is asked again of the manifest: whatever got there, only what it allows passes."""

import pandas as pd
import pytest
from tests.curation.expectations.test_ingested import LIMITS

from padstal.curation.expectations.config import IngestLimits
from padstal.curation.expectations.ingested import ALLOWED, suite, with_verdicts
from padstal.rights.policy import Policy

POLICY = Policy(allow=("CC-BY",), deny=("CC-BY-2.0",), non_commercial="refuse", unknown="refuse")


@pytest.mark.parametrize(
    ("licence", "word"),
    [
        ("CC-BY-4.0", ALLOWED),
        ("CC-BY-2.0", "denied"),
        ("CC-BY-NC-4.0", "commercial"),
        ("All rights reserved", "commercial"),
        ("", "no licence is stated"),
        (None, "no licence is stated"),
        ("allowed", "no licence we know"),
    ],
)
def test_each_clip_has_the_policys_word(licence, word):
    table = pd.DataFrame({"licence": ["CC-BY-4.0", licence]}, dtype=object)
    verdicts = with_verdicts(table, POLICY)["licence_verdict"].tolist()
    assert verdicts[0] == ALLOWED
    assert word in verdicts[1]


def test_nothing_but_allowed_is_expected():
    [expectation] = [one for one in suite(IngestLimits(**LIMITS)) if one.column == "licence_verdict"]
    assert (expectation.severity, expectation.mostly) == ("critical", None)
    assert expectation.limits == {"value_set": [ALLOWED]}
