"""Splits that share nothing: a track, artist, album or duplicate group lies in one split only."""

import pandas as pd

NAMED = 3
"""Offenders that a message names."""


class SharedBetweenSplitsError(ValueError):
    """Something lies in two splits; the message names it."""


def check_disjoint(table: pd.DataFrame, *, names: tuple[str, ...]) -> None:
    """Check that each value of the columns `names` lies in one split; the empty string names nothing.

    An album counts together with its artist, since unrelated artists use the same titles; letter case tells nothing
    apart.

    Raises:
        SharedBetweenSplitsError: Names column, number of values, and three of them with their splits.
    """
    for name in names:
        known = table[table[name] != ""]
        keys = [known[column].str.casefold() for column in (("artist", name) if name == "album" else (name,))]
        splits = known["split"].groupby([key.rename(None) for key in keys]).agg(lambda column: sorted(set(column)))
        shared = splits[splits.map(len) > 1]
        if len(shared):
            listed = "; ".join(
                f"{_readable(key)} in {' and '.join(found)}" for key, found in shared.head(NAMED).items()
            )
            raise SharedBetweenSplitsError(
                f"{name}: {len(shared)} lie in more than one split, expected each in one: {listed}. "
                "Splits follow the artist: fill in `artist` in the captions table to keep what belongs together"
            )


def _readable(key: object) -> str:
    return " / ".join(str(part) or "unknown artist" for part in key) if isinstance(key, tuple) else str(key)
