"""Tags as the manifest holds them, one by one."""

import pandas as pd


def tags_of(tags: pd.Series) -> pd.Series:
    """One row a tag, with the index of the row of `tags` ("a, b; c") that it stands in; "" for a row without tags."""
    parts = tags.fillna("").str.casefold().str.split(r"[,;]", regex=True).explode().str.strip()
    named = parts[parts != ""]
    bare = pd.Series("", index=tags.index.difference(named.index), dtype=object)
    tagged = pd.concat([named.astype(object), bare]).sort_index(kind="stable")
    return tagged[~pd.MultiIndex.from_arrays([tagged.index, tagged]).duplicated()]
