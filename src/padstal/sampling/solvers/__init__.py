"""Solvers: from noise to data along falling noise levels. This table is the one place that lists them.

All count in σ_edm = σ_t / α_t (Karras et al. 2022): x = x_t / α_t = x_0 + σ ε, D is the denoiser, E[x_0 | x], and the
probability flow is dx/dσ = (x − D(x, σ)) / σ. In these coordinates Euler's method is DDIM, whatever the schedule.
"""

from padstal.core.kinds import Kinds
from padstal.sampling.solvers.ddim import Ddim
from padstal.sampling.solvers.ddpm import Ddpm
from padstal.sampling.solvers.dpm2 import Dpm2
from padstal.sampling.solvers.dpmpp_2m import DpmSolverPp2M
from padstal.sampling.solvers.dpmpp_3m_sde import DpmSolverPp3MSde
from padstal.sampling.solvers.euler import Euler

SOLVERS = Kinds("solver", Ddim, Ddpm, Dpm2, DpmSolverPp2M, DpmSolverPp3MSde, Euler)
