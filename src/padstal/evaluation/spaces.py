"""The latent spaces of a codec, named and cut from its stored latents.

An audio autoencoder has one space. TAL has itself, [w_m; z_p], its parts w_m and z_p, and the audio's shared latent
z_m, which is stored beside it. Vectors come from latents in two ways, and both are reported: the mean over frames,
and all frames flattened, because z_p's second axis need not be time.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from padstal.core.data.atomic import read_json
from padstal.core.data.manifest import read_table
from padstal.core.data.row_file import RowFile
from padstal.evaluation.neighbours import Neighbourhood, neighbourhood, pool, precision_at_k

POOLINGS = ("mean", "flat")


@dataclass(frozen=True)
class SpaceRow:
    """precision@k of one space of a codec under one pooling."""

    codec: str
    space: str
    pooling: str
    found: Neighbourhood

    def as_json(self) -> dict[str, Any]:
        return {"codec": self.codec, "space": self.space, "pooling": self.pooling, **asdict(self.found)}


Means = Callable[[pd.DataFrame], np.ndarray]
"""Rows of an index to their posterior means [N, D, T] in a space."""


def spaces(folder: Path, codec: str) -> tuple[pd.DataFrame, dict[str, Means]]:
    """Index (`clip_id`, `split`, `row`), and what reads each space."""
    index = read_table(folder / "index.parquet")
    groups = read_json(folder / "config.json")["channel_groups"]
    width = max(stop for _, stop in groups.values())
    latents = RowFile(folder / "latents.npy")

    def means(file: RowFile, *channels: slice) -> Means:
        return lambda clips: file[clips["row"].to_numpy(), *channels]

    found = {codec: means(latents, slice(width))}
    if len(groups) > 1:
        found |= {f"{codec}.{name}": means(latents, slice(start, stop)) for name, (start, stop) in groups.items()}
    if (folder / "z_m.npy").exists():
        found[f"{codec}.z_m"] = means(RowFile(folder / "z_m.npy"))
    return index, found


def compare_spaces(
    folders: Mapping[str, Path],
    genre: dict[str, str],
    track: dict[str, str],
    *,
    k: int,
    most: int,
    draws: int,
    level: float,
    seed: int,
) -> list[SpaceRow]:
    """precision@k of every space of every codec, on the same queries and candidates.

    Args:
        folders: Codec → folder of its latents.
        genre: Clip → genre.
        track: Clip → track.
        k: Neighbours.
        most: Most queries (test clips) and most candidates (training clips).
        draws: Bootstrap draws over the queries' tracks.
        level: Of the intervals.
        seed: Of subset and bootstrap; the same for each space, so that spaces are compared on equal terms.
    """
    rows = []
    for codec, folder in folders.items():
        index, found = spaces(folder, codec)
        generator = np.random.default_rng(seed)
        queries = _some(index[index["split"] == "test"], most, generator)
        candidates = _some(index[index["split"] == "train"], most, generator)
        if queries.empty or candidates.empty:
            continue
        labels = [
            np.array([table[clip] for clip in part["clip_id"]])
            for part in (queries, candidates)
            for table in (genre, track)
        ]
        query_genre_Q, query_track_Q, genre_N, track_N = labels
        for name, means in found.items():
            for pooling in POOLINGS:
                precision_Q, chance_Q = precision_at_k(
                    pool(means(queries), pooling),
                    query_genre_Q,
                    query_track_Q,
                    pool(means(candidates), pooling),
                    genre_N,
                    track_N,
                    k,
                )
                result = neighbourhood(precision_Q, chance_Q, query_track_Q, draws, level, np.random.default_rng(seed))
                if result is not None:
                    rows.append(SpaceRow(codec, name, pooling, result))
    return rows


def _some(table: pd.DataFrame, most: int, generator: np.random.Generator) -> pd.DataFrame:
    if len(table) <= most:
        return table
    return table.iloc[np.sort(generator.choice(len(table), most, replace=False))]


def as_table(rows: list[SpaceRow]) -> pd.DataFrame:
    """One row a space and pooling, with the interval as `low` and `high`."""
    plain = []
    for row in rows:
        fields = row.as_json()
        low, high = fields.pop("interval") or (np.nan, np.nan)
        plain.append({**fields, "low": low, "high": high})
    return pd.DataFrame(plain, columns=["codec", "space", "pooling", "precision", "chance", "queries", "low", "high"])
