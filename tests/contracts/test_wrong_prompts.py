"""The script of hypothesis 5 sorts prompts by their clip's true genre, and averages trainings by prompt."""

import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.contracts.repository import ROOT

from padstal.core.data.atomic import write_json
from padstal.core.paths import Paths

GENRES = {"test_0": "jazz", "test_1": "jazz", "test_2": "jazz", "tune_3": "jazz"}
PROMPTS = {"test_0": "calm jazz", "test_1": "jazz, 90 bpm", "test_2": "a techno track", "tune_3": "techno"}
GAIN = {"test_0": 0.1, "test_1": 0.3, "test_2": -0.5, "tune_3": 9.0}
"""Of CLAP-f, by the method of the second setting."""


def test_what_a_method_does_to_prompts_of_the_true_genre_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    paths = Paths(tmp_path, "demo")
    for folder in (
        paths.data / "evaluate",
        paths.samples("tal_dit"),
        paths.curate,
        paths.truth.parent,
        paths.metrics("evaluate").parent,
    ):
        folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = [
        {
            "setting": setting, "system": system, "prompt_id": one, "prompt": text, "role": one[:4],
            "clap_f": 0.4 + share * GAIN[one], "vendi_within": 1.0 + share,
        }
        for system, more in (("tal_dit", 0.5), ("again", 1.5))
        for setting, share in (("a", 0.0), ("b", more))
        for one, text in PROMPTS.items()
    ]  # fmt: skip
    pd.DataFrame(rows).to_parquet(paths.data / "evaluate" / "per_prompt.parquet")
    labels = [{"setting": "a", "label": "none w = 4"}, {"setting": "b", "label": "pads s = 2, w = 4"}]
    write_json(paths.metrics("evaluate"), {"sweep": labels})
    clips = pd.DataFrame({"prompt_id": list(GENRES), "clip_id": list("wxyz"), "sha256": list("abcd")})
    clips[["prompt_id", "clip_id"]].to_parquet(paths.samples("tal_dit") / "prompts.parquet")
    clips[["clip_id", "sha256"]].to_parquet(paths.curate / "dataset.parquet")
    pd.DataFrame({"path": list("abcd"), "sha256": list("abcd"), "genre": "jazz"}).to_parquet(paths.truth)

    script = runpy.run_path(str(ROOT / "scripts" / "wrong_prompts.py"))
    found = script["by_prompt"](paths, ["tal_dit", "again"])
    assert found.groupby("right")["prompt_id"].unique().map(list).to_dict() == {
        True: ["test_0", "test_1"], False: ["test_2"],
    }  # fmt: skip
    script["show"]("tal_dit", found)
    told = capsys.readouterr().out
    assert "2 prompts name the true genre, 1 another" in told
    [line] = [line for line in told.splitlines() if line.startswith("| pads s = 2, w = 4 | CLAP-f |")]
    figures = [float(figure) for figure in re.findall(r"-?\d\.\d{3}", line)]
    right, wrong, apart = [0.2, 0.1, 0.3], [-0.5, -0.5, -0.5], [0.7, 0.6, 0.8]
    assert figures == pytest.approx(right + wrong + apart, abs=0.01)
    assert "| pads s = 2, w = 4 | Vendi within a prompt | 1.000 [1.000, 1.000] |" in told
