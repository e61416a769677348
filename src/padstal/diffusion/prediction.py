"""What the network is asked for, and the way back to x_0: v, ε, x_0 or a flow's velocity.

    v = α ε − σ x_0,   x_0 = α x_t − σ v  where α² + σ² = 1               (1)  Salimans & Ho 2022, appendix D
    ε,                 x_0 = (x_t − σ ε) / α                              (2)  Ho et al. 2020
    u = ε − x_0,       x_0 = (x_t − σ u) / (α + σ)                        (3)  Lipman et al. 2023

(1) is a rotation: (x_t, v) is (x_0, ε) turned by an angle. `alpha` and `sigma` broadcast against the latents [B, D, …]:
scalars, or [B, 1, …].
"""

from typing import TYPE_CHECKING, Literal

from padstal.core.kinds import Kinds
from padstal.core.section import Section

if TYPE_CHECKING:
    from torch import Tensor


def noised(x0_BD: "Tensor", noise_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
    """x_t = α x_0 + σ ε."""
    return alpha * x0_BD + sigma * noise_BD


class V(Section):
    """(1), under a variance-preserving schedule."""

    kind: Literal["v"] = "v"

    def target(self, x0_BD: "Tensor", noise_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
        """v of data and noise."""
        return alpha * noise_BD - sigma * x0_BD

    def data_of(self, x_t_BD: "Tensor", output_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
        """x_0 of x_t and v."""
        return alpha * x_t_BD - sigma * output_BD


class Epsilon(Section):
    """(2)."""

    kind: Literal["epsilon"] = "epsilon"

    def target(self, x0_BD: "Tensor", noise_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
        """ε."""
        return noise_BD

    def data_of(self, x_t_BD: "Tensor", output_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
        """x_0 of x_t and ε."""
        return (x_t_BD - sigma * output_BD) / alpha


class Data(Section):
    """x_0 itself."""

    kind: Literal["data"] = "data"

    def target(self, x0_BD: "Tensor", noise_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
        """x_0."""
        return x0_BD

    def data_of(self, x_t_BD: "Tensor", output_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
        """The output."""
        return output_BD


class FlowVelocity(Section):
    """(3)."""

    kind: Literal["flow_velocity"] = "flow_velocity"

    def target(self, x0_BD: "Tensor", noise_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
        """u of data and noise."""
        return noise_BD - x0_BD

    def data_of(self, x_t_BD: "Tensor", output_BD: "Tensor", alpha: "Tensor", sigma: "Tensor") -> "Tensor":
        """x_0 of x_t and u."""
        return (x_t_BD - sigma * output_BD) / (alpha + sigma)


PREDICTIONS = Kinds("prediction", V, Epsilon, Data, FlowVelocity)
