"""`sample`: the sampling grid and how it is solved (PADS-TAL 2.1, 3)."""

from typing import Literal

from pydantic import model_validator

from padstal.core.section import Section, value


class SettingParams(Section):
    """One perturbation, swept over strength and guidance: a cell for each pair."""

    perturbation: Literal["none", "cads", "pads"] = value("what happens to the conditioning")
    strengths: tuple[float, ...] = value(
        "s: standard deviation of the noise on embedded text rows; the first is the default of `padstal generate`",
        min_length=1,
    )
    guidance: tuple[float, ...] = value("w of classifier-free guidance; 1 is none", min_length=1)
    tau1: float = value("τ1: diffusion time below which the conditioning is whole", ge=0, le=1)
    tau2: float = value("τ2: diffusion time above which it is all noise", ge=0, le=1)
    rescale: float = value("ψ of CADS: share of the rescaling to the clean rows' mean and spread", ge=0, le=1)
    min_low: int = value("L_min of PADS: final rows that are perturbed whatever they hold", "rows", ge=0)
    perturb_uncond: Literal["none", "independent", "shared"] = value("noise on the null branch of guidance")

    @model_validator(mode="after")
    def _possible(self) -> "SettingParams":
        if self.tau1 > self.tau2:
            raise ValueError(f"tau1 = {self.tau1} must not exceed tau2 = {self.tau2}")
        if min(self.strengths) < 0:
            raise ValueError(f"strengths = {self.strengths} must not be negative")
        if self.perturbation == "none" and any(self.strengths):
            raise ValueError(f"strengths = {self.strengths} must be [0] where perturbation is none")
        if self.perturbation == "pads" and self.rescale:
            raise ValueError(f"rescale = {self.rescale} must be 0 with pads: it would move the semantic rows")
        return self


class SampleParams(Section):
    """Prompts, seeds, settings and solver of the grid."""

    tune_prompts: int = value("prompts from the validation split, to choose settings with", "prompts", ge=0)
    test_prompts: int = value("prompts from the test split, to report on", "prompts", ge=1)
    prompt_seed: int = value("seed of the choice of prompts", ge=0)
    seeds: tuple[int, ...] = value("seeds of x_T and of the perturbations", min_length=1)
    samples_per_seed: int = value("samples of one prompt and seed", "samples", ge=1)
    settings: tuple[SettingParams, ...] = value("perturbations", min_length=1)

    solver: Literal["ddim", "dpm2", "dpmpp_2m"] = value("solver of the ODE; dpm2 evaluates twice a step")
    steps: int = value("noise levels", "steps", ge=1)
    sigma_min: float = value("last noise level before 0, σ_t/α_t", gt=0)
    sigma_max: float = value("first noise level, σ_t/α_t", gt=0)
    batch: int = value(
        "samples of every call of a model; any number gives the same audio up to rounding", "samples", ge=1
    )
    precision: Literal["32-true", "bf16-mixed"] = value("arithmetic of the denoiser's matrix products")

    @model_validator(mode="after")
    def _fits(self) -> "SampleParams":
        if self.sigma_min >= self.sigma_max:
            raise ValueError(f"sigma_min = {self.sigma_min} must be below sigma_max = {self.sigma_max}")
        cells = [(s.perturbation, strength, w) for s in self.settings for strength in s.strengths for w in s.guidance]
        double = sorted({cell for cell in cells if cells.count(cell) > 1})
        if double:
            raise ValueError(
                f"settings give {double[0]} (perturbation, strength, guidance) twice; results could not be told apart"
            )
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds = {self.seeds} must differ")
        return self
