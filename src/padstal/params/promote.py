"""`promote`: when a challenger becomes champion, and how that is made known."""

from typing import Literal

from padstal.params.section import Section, value


class MarginParams(Section):
    """How much worse a metric may surely be, as a share of the champion's value."""

    clap_f: float = value("CLAP-f, the alignment", "share", ge=0)
    vendi: float = value("Vendi score, the diversity", "share", ge=0)
    ibs: float = value("intra-batch similarity; lower is more diverse", "share", ge=0)
    mrecall: float = value("recall within genres", "share", ge=0)
    kl: float = value("KL divergence of the tagger's posteriors; lower is better", "share", ge=0)
    fd: float = value("Fréchet distance; lower is better", "share", ge=0)
    pmos: float = value("predicted mean opinion score", "share", ge=0)


class FloorParams(Section):
    """What every challenger must reach, with or without a champion."""

    clap_f_above_chance: float = value(
        "CLAP-f less that with other prompts, at its interval's lower end", "cosine", ge=-2
    )
    vendi_share: float = value("Vendi score over that of as many held-out clips", "share", ge=0)
    pmos_share: float = value("p-MOS over that of held-out clips", "share", ge=0)


class PromoteParams(Section):
    """Champion and challenger. Not a dependency of any stage."""

    model: Literal["audio_dit", "tal_dit"] = value("diffusion model that is promoted, with its autoencoder")
    base: str = value("branch that a promotion's pull request goes to; promotions never write to it", min_length=1)
    pull_request: Literal["none", "github"] = value("github needs GITHUB_REPOSITORY and GITHUB_TOKEN")
    prompts: int = value("prompts that `padstal freeze-prompts` takes from the test split", "prompts", ge=2)
    least_prompts: int = value("fewest frozen prompts that a decision may rest on", "prompts", ge=2)
    perturbation: Literal["none", "cads", "pads"] = value(
        "setting of the sampling grid that both models generate with, at its first strength and guidance"
    )
    seed: int = value("seed of the bootstrap", ge=0)
    draws: int = value("bootstrap draws of prompts", "draws", ge=200)
    confidence: float = value("level of intervals", "share", gt=0.5, lt=1)
    better_in: tuple[Literal["clap_f", "vendi", "ibs", "mrecall"], ...] = value(
        "metrics of alignment or diversity; a challenger must surely be better in one of them", min_length=1
    )
    margins: MarginParams
    floors: FloorParams
    drifted_features: int = value("features of a data set that may have drifted", "features", ge=0)
    accepted_licences: tuple[str, ...] = value("licences that may come in though the champion's ask for less")
