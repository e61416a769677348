"""`operations` and `promote`: retries and time limits under Prefect, and when a challenger becomes champion.

Neither changes a result.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from padstal.core.section import Section, value
from padstal.evaluation.metrics import METRICS

Wait = Annotated[float, Field(ge=0, le=86_400)]
Limit = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0)]


class OperationsParams(Section):
    """How the flows run stages. Not a dependency of any stage."""

    retry_waits: tuple[Wait, ...] = value(
        "wait before each further try of a stage whose cause of failure may go away by itself", "s", max_length=10
    )
    limit_budgets: float = value("a stage is ended after so many times its budget", "budgets", ge=1)
    limit_least: float = value("but not before this time", "s", gt=0)
    limit_unbudgeted: float = value("a stage without a budget is ended after this time", "s", gt=0)
    time_limits: dict[str, Limit] = value("a stage (`sample`) or item of one (`train_vae@tal`) with its own limit", "s")

    def limit_of(self, label: str, budget: Mapping[str, float]) -> float:
        """Seconds after which the stage `label` ("train_vae@tal") is ended; `budget` is its scale's."""
        stage = label.partition("@")[0]
        for name in (label, stage):
            if name in self.time_limits:
                return self.time_limits[name]
        for name in (label, stage):
            if name in budget:
                return max(self.limit_least, self.limit_budgets * budget[name])
        return self.limit_unbudgeted


class FloorParams(Section):
    """What every challenger must reach, with or without a champion."""

    clap_f_above_chance: float = value(
        "CLAP-f less that with other prompts, at its interval's lower end", "cosine", ge=-2
    )
    vendi_share: float = value("Vendi score over that of as many held-out clips", "share", ge=0)
    pmos_share: float = value("p-MOS over that of held-out clips", "share", ge=0)


class GateParams(Section):
    """What the gate asks for."""

    least_prompts: int = value("fewest frozen prompts that a decision may rest on", "prompts", ge=2)
    better_in: tuple[str, ...] = value(
        "metrics of alignment or diversity; a challenger must surely be better in one of them", min_length=1
    )
    margins: dict[str, Share] = value(
        "metrics that are compared, and how much worse each may surely be, as a share of the champion's", "share"
    )
    floors: FloorParams
    drifted_features: int = value("features of a data set that may have drifted", "features", ge=0)
    accepted_licences: tuple[str, ...] = value("licences that may come in though the champion's ask for less")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that are compared, in the order of their table."""
        return tuple(name for name in METRICS if name in self.margins)


class PromoteParams(GateParams):
    """Champion and challenger. Not a dependency of any stage."""

    system: str = value("system that is promoted, with all its models", min_length=1)
    base: str = value("branch that a promotion's pull request goes to; promotions never write to it", min_length=1)
    pull_request: Literal["none", "github"] = value("github needs GITHUB_REPOSITORY and GITHUB_TOKEN")
    prompts: int = value("prompts that `padstal freeze-prompts` takes from the test split", "prompts", ge=2)
    method: str = value("both models generate with the first setting of the grid that has this method", min_length=1)
    seed: int = value("seed of the bootstrap", ge=0)
    draws: int = value("bootstrap draws of prompts", "draws", ge=200)
    confidence: float = value("level of intervals", "share", gt=0.5, lt=1)

    @property
    def gate(self) -> GateParams:
        """The gate's part of it, which a decision holds."""
        return GateParams(**{name: getattr(self, name) for name in GateParams.model_fields})

    @model_validator(mode="after")
    def _metrics_are_known(self) -> "PromoteParams":
        judged = [name for name, metric in METRICS.items() if metric.better]
        for name in self.margins:
            if name not in judged:
                raise ValueError(f"margins.{name}: expected one of {', '.join(judged)}")
        gains = [name for name in self.margins if METRICS[name].about in ("alignment", "diversity")]
        for name in self.better_in:
            if name not in gains:
                raise ValueError(f"better_in: {name}: expected metrics with a margin, of {', '.join(gains)}")
        return self
