import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.curation.ledger import Entry, LedgerError

COUNT = st.integers(0, 1000)


@given(COUNT, COUNT, COUNT, COUNT)
def test_counts_that_add_up_pass_and_one_lost_or_one_too_many_does_not(kept, quarantined, duplicates, filtered):
    parts = (kept, quarantined, duplicates, filtered)
    assert Entry("files", sum(parts), *parts).checked().as_json()["in"] == sum(parts)
    for wrong in (sum(parts) - 1, sum(parts) + 1):
        with pytest.raises(LedgerError, match=rf"files: {wrong} came in, but .* = {sum(parts)}"):
            Entry("files", wrong, *parts).checked()


@given(COUNT, COUNT, COUNT, COUNT)
def test_two_stages_add_up_to_one(kept, quarantined, duplicates, filtered):
    first = Entry("ingest", kept + quarantined + duplicates + filtered, kept + filtered, quarantined, duplicates)
    second = Entry("curate", kept + filtered, kept, filtered=filtered)
    both = first.then(second, "all")
    assert both == Entry("all", first.came, kept, quarantined, duplicates, filtered)
