"""`operations`: how often a stage is tried again under Prefect, and how long it may take; neither changes a result."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from padstal.params.section import Section, value

Wait = Annotated[float, Field(ge=0)]
Limit = Annotated[float, Field(gt=0)]


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
