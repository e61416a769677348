"""Guidance in an interval of noise levels, the conditional model alone outside (Kynkäänniemi et al. 2024)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import model_validator

from padstal.core.section import value
from padstal.sampling.guidance.classifier_free import ClassifierFree

if TYPE_CHECKING:
    from torch import Tensor


class Interval(ClassifierFree):
    """w for σ_low < σ ≤ σ_high, 1 elsewhere."""

    kind: Literal["interval"] = "interval"  # type: ignore[assignment]
    sigma_low: float = value("guidance ends here", "σ_t/α_t", ge=0)
    sigma_high: float = value("guidance begins here", "σ_t/α_t", gt=0)

    @model_validator(mode="after")
    def _in_order(self) -> Any:
        if self.sigma_low >= self.sigma_high:
            raise ValueError(f"sigma_low = {self.sigma_low} must be below sigma_high = {self.sigma_high}")
        return self

    def branches(self, sigma: float) -> tuple[str, ...]:
        return super().branches(sigma) if self.sigma_low < sigma <= self.sigma_high else ("cond",)

    def mix(self, outputs: "Mapping[str, Tensor]", sigma: float) -> "Tensor":
        return super().mix(outputs, sigma) if self.sigma_low < sigma <= self.sigma_high else outputs["cond"]
