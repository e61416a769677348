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


def test_a_negative_count_does_not_make_up_for_another():
    with pytest.raises(LedgerError):
        Entry("files", 3, 5, filtered=-2).checked()


@given(COUNT, COUNT, COUNT, COUNT)
def test_two_stages_add_up_to_one(kept, quarantined, duplicates, filtered):
    first = Entry("ingest", kept + quarantined + duplicates + filtered, kept + filtered, quarantined, duplicates)
    second = Entry("curate", kept + filtered, kept, filtered=filtered)
    both = first.then(second, "all")
    assert both == Entry("all", first.came, kept, quarantined, duplicates, filtered)


def test_what_one_stage_kept_the_next_must_take_in():
    with pytest.raises(LedgerError, match="ingest kept 5, but curate took in 4"):
        Entry("ingest", 5, 5).then(Entry("curate", 4, 4), "all")
