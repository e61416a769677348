"""Whether prompts that name another genre than their clip's hide what a method does (hypothesis 5 of docs/science.md).

After `evaluate` of a corpus that the composer made:
    python scripts/wrong_prompts.py    # data of the scale that params.yaml names

Of each setting against its system's first: mean differences over prompts that name the true genre, over the others, and
of the two, with 95 % of 2,000 draws of prompts. Trainings of one system (`evaluate.retrained`) are averaged by prompt.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from padstal.core.data.atomic import read_json
from padstal.core.data.manifest import read_table
from padstal.core.paths import Paths
from padstal.evaluation.bootstrap import draw_counts, interval, mean_draws
from padstal.evaluation.planted import with_truth
from padstal.stages.params import load_tree

ROOT = Path(__file__).resolve().parents[1]
MEASURES = {"clap_f": "CLAP-f", "vendi_within": "Vendi within a prompt"}
DRAWS, LEVEL, SEED = 2000, 0.95, 7


def by_prompt(paths: Paths, systems: list[str]) -> pd.DataFrame:
    """Mean over trainings of what each test prompt measures, by setting; and whether it names the true genre."""
    rows = read_table(paths.data / "evaluate" / "per_prompt.parquet")
    rows = rows[rows["system"].isin(systems) & (rows["role"] == "test")]
    rows = rows.groupby(["setting", "prompt_id", "prompt"], sort=False)[list(MEASURES)].mean().reset_index()
    sweep = read_json(paths.metrics("evaluate"))["sweep"]
    rows["label"] = rows["setting"].map({row["setting"]: row["label"] for row in sweep})
    prompts = read_table(paths.samples(systems[0]) / "prompts.parquet")[["prompt_id", "clip_id"]]
    clips = read_table(paths.curate / "dataset.parquet")[["clip_id", "sha256"]]
    known = with_truth(prompts.merge(clips, on="clip_id"), read_table(paths.truth))
    rows = rows.merge(known[["prompt_id", "true_genre"]], on="prompt_id")
    rows["right"] = [genre in prompt for genre, prompt in zip(rows["true_genre"], rows["prompt"], strict=True)]
    return rows


def estimates(right_P: np.ndarray, wrong_P: np.ndarray) -> list[str]:
    """Means of both and their difference, each with its interval."""
    random = np.random.default_rng(SEED)
    right_R, wrong_R = (mean_draws(one_P, draw_counts(len(one_P), DRAWS, random)) for one_P in (right_P, wrong_P))
    right, wrong = right_P.mean(), wrong_P.mean()
    figures = (right, right_R), (wrong, wrong_R), (right - wrong, right_R - wrong_R)
    return [
        "{:.3f} [{:.3f}, {:.3f}]".format(mean, *(interval(drawn_R, mean, LEVEL) or ())) for mean, drawn_R in figures
    ]


def show(system: str, rows: pd.DataFrame) -> None:
    """Print the table of a system, in Markdown."""
    first, *others = rows["setting"].unique()
    base = rows[rows["setting"] == first].set_index("prompt_id")
    print(f"{system}: {base['right'].sum()} prompts name the true genre, {(~base['right']).sum()} another\n")
    print("| setting | measure | true genre | another | difference |\n|---|---|---|---|---|")
    for setting in others:
        own = rows[rows["setting"] == setting].set_index("prompt_id")
        for measure, label in MEASURES.items():
            gain = (own[measure] - base[measure]).dropna()
            right = base["right"].loc[gain.index]
            cells = " | ".join(estimates(gain[right].to_numpy(), gain[~right].to_numpy()))
            print(f"| {own['label'].iloc[0]} | {label} | {cells} |")
    print()


if __name__ == "__main__":
    tree = load_tree(ROOT / "params.yaml")
    retrained = tree.scales[tree.scale].evaluate.retrained
    again = {name for others in retrained.values() for name in others}
    for name in [one for one in tree.systems if one not in again]:
        show(name, by_prompt(Paths(ROOT, tree.scale), [name, *retrained.get(name, ())]))
