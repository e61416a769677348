"""The table of metrics: the one place that lists them, and what evaluation, report, comparison and gate know of each.

A new metric is a file with its function, and a line here. The function gets a `judged.Judged` and gives values of its
prompts [P]; that of a metric of sets gets weights [R, P] of the prompts too, and gives a value for each row [R]. Where
it cannot be computed it gives `None`, or a value that is not finite. Functions are named, not imported, so that a job
without NumPy can read the table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from math import inf
from typing import Any, Literal

Better = Literal["higher", "lower", ""]


@dataclass(frozen=True)
class Metric:
    """What is known of a metric.

    Attributes:
        name: In files.
        label: For people.
        meaning: What it measures, in one line.
        unit: "" where it has none.
        about: What it judges; a challenger may win by alignment or diversity.
        better: "" where neither is known to be good.
        limits: What it can be at all.
        ears: Foundation models that hear it; values of other ears do not compare.
        each: Whether every prompt has a value, whose mean the metric is, or only the whole set has one.
        computed_by: Its function, as "module:name".
    """

    name: str
    label: str
    meaning: str
    unit: str
    about: Literal["alignment", "diversity", "fidelity", "quality", "novelty", "signal"]
    better: Better
    limits: tuple[float, float]
    ears: tuple[str, ...]
    each: Literal["prompt", "set"]
    computed_by: str

    @property
    def sign(self) -> int:
        """1 where more is better, −1 where less is, else 0."""
        return {"higher": 1, "lower": -1, "": 0}[self.better]

    @property
    def explained(self) -> str:
        return f"{self.label}: {self.meaning}"

    @property
    def function(self) -> Callable[..., Any]:
        module, _, name = self.computed_by.partition(":")
        function: Callable[..., Any] = getattr(import_module(module), name)
        return function


_HERE = "padstal.evaluation"
METRICS = {
    one.name: one
    for one in (
        Metric(
            "clap_f", "CLAP-f", "cosine between sound and prompt, mean of three fixed windows", "cosine",
            "alignment", "higher", (-1.0, 1.0), ("clap",), "prompt", f"{_HERE}.clap_score:of_prompts",
        ),
        Metric(
            "vendi", "Vendi", "effective number of different clips over all prompts", "clips",
            "diversity", "higher", (1.0, inf), ("clap",), "set", f"{_HERE}.vendi:across_prompts",
        ),
        Metric(
            "vendi_within", "Vendi within", "effective number of different clips of one prompt", "clips",
            "diversity", "higher", (1.0, inf), ("clap",), "prompt", f"{_HERE}.vendi:of_prompts",
        ),
        Metric(
            "ibs", "IBS", "mean similarity of clips of one prompt (lower is more diverse)", "cosine",
            "diversity", "lower", (-1.0, 1.0), ("clap",), "prompt", f"{_HERE}.ibs:of_prompts",
        ),
        Metric(
            "mrecall", "mRecall", "share of held-out music that samples of its genre cover", "share",
            "diversity", "higher", (0.0, 1.0), ("clap", "tagger"), "set", f"{_HERE}.recall:of_set",
        ),
        Metric(
            "coverage", "coverage", "share of held-out clips near which a sample lies", "share",
            "diversity", "higher", (0.0, 1.0), ("clap",), "set", f"{_HERE}.coverage:of_set",
        ),
        Metric(
            "kl", "KL", "posterior over genres or classes of a sample against that of the prompt's own clip", "nat",
            "fidelity", "lower", (0.0, inf), ("tagger",), "prompt", f"{_HERE}.kl:of_prompts",
        ),
        Metric(
            "fd", "FD", "Fréchet distance of features to held-out music", "",
            "fidelity", "lower", (0.0, inf), ("tagger",), "set", f"{_HERE}.frechet:of_set",
        ),
        Metric(
            "fad", "FAD", "Fréchet distance of VGGish's features to held-out music", "",
            "fidelity", "lower", (0.0, inf), (), "set", f"{_HERE}.frechet:fad_of_set",
        ),
        Metric(
            "pmos", "p-MOS", "predicted quality, 1 to 5", "MOS",
            "quality", "higher", (1.0, 5.0), ("pmos",), "prompt", f"{_HERE}.pmos:of_prompts",
        ),
        Metric(
            "bandwidth", "bandwidth", "highest frequency within 60 dB of the strongest", "kHz",
            "signal", "", (0.0, inf), (), "prompt", f"{_HERE}.signal:bandwidth_of_prompts",
        ),
        Metric(
            "noise_floor", "noise floor", "power that is always there between the partials, of the mean", "dB",
            "signal", "", (-120.0, inf), (), "prompt", f"{_HERE}.signal:noise_floor_of_prompts",
        ),
        Metric(
            "crest_factor", "crest factor", "how far peaks stand out of the mean", "dB",
            "signal", "", (0.0, inf), (), "prompt", f"{_HERE}.signal:crest_factor_of_prompts",
        ),
        Metric(
            "copies", "near copies", "share nearer to a training clip than 95 % of held-out music is", "share",
            "novelty", "lower", (0.0, 1.0), ("clap",), "prompt", f"{_HERE}.copies:of_prompts",
        ),
    )
}  # fmt: skip
