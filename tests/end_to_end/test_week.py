"""A scripted week: new data come in three times (good, drifted, hostile) while workers and the server are killed.

Nights are minutes here. At the end there was one promotion and there were two refusals, there was a champion at all
times, nothing was trained twice, and no run is left "Running".
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.end_to_end.tiny import command
from tests.end_to_end.week import (
    LONG,
    Operations,
    Place,
    Trainings,
    add,
    compose,
    make_place,
    muffle,
    operations,
    sabotage,
)
from tests.flows.prefect_server import FINAL, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(7200)]

FIRST, SECOND = "v1.0.0", "v1.1.0"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return make_place(tmp_path)


@pytest.fixture
def week(place: Place) -> Iterator[Operations]:
    with operations(place) as running:
        yield running


def test_a_week(place: Place, week: Operations) -> None:
    assert place.champion() == FIRST
    main = place.git("ls-remote", "origin", "refs/heads/main")

    # Monday: nothing new
    wait_for(lambda: week.ended("No new data", 0), "a night without new data", LONG)

    # Tuesday: good data; the GPU's machine dies in a training, the server in another, the CPU's machine in sampling
    trainings = Trainings()
    trainings.start()
    before = len(week.retrainings())
    add(place.music, compose(place.folder / "good", tracks=12, seed=8), "good")
    wait_for(lambda: place.checkpoint("train_vae_tal"), "a training of the autoencoder", LONG)
    week.kill("gpu")
    assert place.champion() == FIRST
    week.start("gpu")
    wait_for(lambda: place.checkpoint("train_diffusion_audio_dit"), "a training of the denoiser", LONG)
    week.kill("server")
    assert place.champion() == FIRST
    week.start("server")
    wait_for(lambda: _runs(week, "padstal.stages.sample"), "sampling", LONG)
    week.kill("cpu")
    assert place.champion() == FIRST
    week.start("cpu")
    promoted = wait_for(lambda: week.ended("Promoted", before), "a promotion", LONG)
    assert place.champion() == SECOND, promoted["state"]
    trained = trainings.times()
    print(f"processes of trainings: {trained}")
    assert trained.pop("train_vae@tal") == 2  # the second went on from the first one's checkpoint
    killed_with_the_server = {"train_diffusion@audio_dit": (1, 2)}
    for stage, times in trained.items():
        assert times in killed_with_the_server.get(stage, (1,)), trained

    # Thursday: drifted data
    before = len(week.retrainings())
    add(place.music, muffle(compose(place.folder / "dull", tracks=24, seed=9)), "dull")
    refused = wait_for(lambda: week.ended("Refused", before), "a refusal of drifted data", LONG)
    assert "drift" in refused["state"]["message"]
    assert place.champion() == SECOND

    # Saturday: hostile data
    before, trained = len(week.retrainings()), trainings.times()
    sabotage(place.music / "hits", 150)
    refused = wait_for(lambda: week.ended("Refused", before), "a refusal of hostile data", LONG)
    assert "gate" in refused["state"]["message"]
    assert trainings.times() == trained
    assert place.champion() == SECOND

    # Sunday: nothing new, and nothing left
    before = len(week.retrainings())
    wait_for(lambda: week.ended("No new data", before), "a night without new data", LONG)
    trainings.over.set()
    ends = [run["state_name"] for run in week.retrainings()]
    print(f"retrainings: {ends}")
    assert (ends.count("Promoted"), ends.count("Refused")) == (1, 2)
    for name in ("retrain", "train"):
        for run in week.server.runs_of(name):
            if run["start_time"] and run["name"] != week.retrainings()[-1]["name"]:
                wait_for(lambda run=run: week.server.state(run["id"]) in FINAL, f"the end of {run['name']}")
    assert place.git("ls-remote", "origin", "refs/heads/main") == main
    command(place.checkout, "padstal", "champion", "--export", str(place.folder / "served"))
    assert (place.folder / "served" / "models" / "demo" / "diffusion" / "tal_dit").is_dir()


def _runs(week: Operations, module: str) -> bool:
    import psutil

    return any(module in (process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
