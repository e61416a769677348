"""The sampling grid: held-out prompts × seeds × settings, the same for every model (PADS-TAL 3; reviewer trap 14).

Prompts are refined captions of held-out clips: of the validation split to tune on (role "tune"), of the test split to
report on (role "test"). A prompt wants several attributes, whose loss an alignment score can feel, and words that
people wrote; both are preferences, not conditions, so that any corpus gives prompts.
"""

import hashlib
import re
from collections.abc import Sequence

import pandas as pd

ROLES = {"tune": "validation", "test": "test"}
"""Role of a prompt → split of the clip that it came from."""
GENERATED = ("fusion_rejected", "redundant", "replaced", "captioned")
"""Decisions of `caption` that leave nothing of the original caption."""


def choose_prompts(dataset: pd.DataFrame, counts: dict[str, int], seed: int) -> pd.DataFrame:
    """Prompts of each role: `prompt_id`, `prompt`, `clip_id`, `role`, `seconds_start`, `seconds_total`.

    Distinct captions, from distinct tracks as long as there are any; captions of more attributes come before those of
    fewer (up to four), original ones before generated ones; a hash of the clip and the seed orders the rest.

    Args:
        dataset: Curated clips.
        counts: Role → prompts wanted; fewer come where the split has fewer captions.
        seed: Of the choice.
    """
    chosen = []
    for role, split in ROLES.items():
        held_out = dataset[(dataset["split"] == split) & (dataset["caption"].fillna("").str.strip() != "")].copy()
        held_out["few"] = [-min(4, attributes(caption)) for caption in held_out["caption"]]
        held_out["generated"] = held_out["decision"].isin(GENERATED)
        held_out["lot"] = [hashlib.sha256(f"{seed}:{clip_id}".encode()).hexdigest() for clip_id in held_out["clip_id"]]
        ordered = held_out.sort_values(["generated", "few", "lot"]).drop_duplicates("caption")
        ordered["again"] = ordered.groupby("track_id").cumcount()
        picked = ordered.sort_values("again", kind="stable").head(counts[role])
        chosen.append(picked.sort_values("lot").assign(role=role))
    prompts = pd.concat(chosen, ignore_index=True)
    return pd.DataFrame(
        {
            "prompt_id": [f"{role}_{number:03d}" for number, role in enumerate(prompts["role"])],
            "prompt": prompts["caption"],
            "clip_id": prompts["clip_id"],
            "role": prompts["role"],
            "seconds_start": prompts["offset_seconds"].astype(float),
            "seconds_total": prompts["track_seconds"].astype(float),
        }
    )


def attributes(caption: str) -> int:
    """Number of things that a caption says: the parts between its commas and "and"s."""
    return len([part for part in re.split(r",|;|\band\b", caption) if part.strip()])


def requests(prompts: pd.DataFrame, seeds: Sequence[int], samples_per_seed: int) -> pd.DataFrame:
    """What one cell generates: `prompt_id`, `prompt`, `seed`, `index`, `seconds_start`, `seconds_total`.

    (seed, index) names a sample's noise, so an index is used once a seed: prompt number × `samples_per_seed` + take.
    All cells and models share them.
    """
    rows = [
        {
            "prompt_id": prompt.prompt_id,
            "prompt": prompt.prompt,
            "seed": seed,
            "index": number * samples_per_seed + take,
            "seconds_start": prompt.seconds_start,
            "seconds_total": prompt.seconds_total,
        }
        for number, prompt in enumerate(prompts.itertuples(index=False))
        for seed in seeds
        for take in range(samples_per_seed)
    ]
    return pd.DataFrame(rows)
