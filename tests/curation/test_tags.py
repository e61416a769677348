import pandas as pd

from padstal.curation.tags import tags_of


def test_tags_are_split_at_commas_and_semicolons_and_counted_once_a_row():
    found = tags_of(pd.Series(["a, b;a ,A", "", None, " ; "]))
    assert list(found.items()) == [(0, "a"), (0, "b"), (1, ""), (2, ""), (3, "")]
