"""What the parts of a generative system ask of one another: codec, conditioning, backbone, diffusion, solver, guidance.

Shape suffixes: B batch, C audio channels or features of a conditioning row, S samples, L text positions, D latent
channels, T latent frames; [B, D, …] are latents of any shape. I samples of one prompt.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from padstal.core.protocols.foundation import TextStates

if TYPE_CHECKING:
    import torch

TEXT_GROUP = "z_p"
"""The group of latent channels that stands for the text (PADS-TAL 2.2)."""


class Codec(Protocol):
    """Audio to a latent of any shape and back, deterministic; D, its channels, come first: [D, T], [D, T, F], ….

    Codecs whose latent depends on the text too (TAL: [w_m; z_p], z_p from the text) are told it.
    """

    @property
    def sample_rate(self) -> int:
        """Hz."""
        ...

    @property
    def channels(self) -> int:
        """Audio channels."""
        ...

    @property
    def ratio(self) -> int:
        """Samples of one latent frame."""
        ...

    @property
    def channel_groups(self) -> dict[str, tuple[int, int]]:
        """Name → [start, stop) of each group of latent channels, in order; e.g. {"w_m": (0, 32), "z_p": (32, 48)}."""
        ...

    @property
    def pools_groups(self) -> bool:
        """Whether a latent is normalised by group of channels (DiscoDiff's by codebook), not by channel."""
        ...

    @property
    def reads_text(self) -> bool:
        """Whether `encode` needs the clips' texts."""
        ...

    def latent_shape(self, samples: int) -> tuple[int, ...]:
        """Shape of the latent of a clip of so many samples, without the batch: (D, T) or (D, T, F)."""
        ...

    def encode(self, audio_BCS: "torch.Tensor", texts: TextStates | None) -> tuple["torch.Tensor", "torch.Tensor"]:
        """Posterior mean and standard deviation, each [B, D, …]."""
        ...

    def decode(self, latent_BD: "torch.Tensor") -> "torch.Tensor":
        """Audio [B, C, S], float32, not clipped."""
        ...

    def probes(self, audio_BCS: "torch.Tensor") -> "dict[str, torch.Tensor]":
        """What else it hears in audio, by name, to be compared with its latents; {} for most."""
        ...


Attributes = Mapping[str, "torch.Tensor"]
"""What is known of samples besides their text, by name, float32 [B] each: "seconds_total", "quality", …."""


@dataclass(frozen=True)
class Conditioning:
    """What a denoiser is told of B samples, before or after its backbone has embedded it.

    Attributes:
        text_BLC: Text rows, one a token position; what diversity methods act on.
        mask_BL: True at real tokens.
        others: Whatever else, by name, batch first: "seconds" [B, 2, C], "global" [B, G], a quality level, a lower
            latent.
    """

    text_BLC: "torch.Tensor"
    mask_BL: "torch.Tensor"
    others: Mapping[str, "torch.Tensor"]

    def map(self, change: "Callable[[torch.Tensor], torch.Tensor]") -> "Conditioning":
        """The same with every tensor changed."""
        others = {name: change(tensor) for name, tensor in self.others.items()}
        return Conditioning(change(self.text_BLC), change(self.mask_BL), others)

    def joined(self, *more: "Conditioning") -> "Conditioning":
        """These samples, then those of `more`, as one batch."""
        import torch

        every = (self, *more)
        return Conditioning(
            torch.cat([one.text_BLC for one in every]),
            torch.cat([one.mask_BL for one in every]),
            {name: torch.cat([one.others[name] for one in every]) for name in self.others},
        )

    def where(self, kept_B: "torch.Tensor", other: "Conditioning") -> "Conditioning":
        """Each sample's own where `kept_B` is True, else that of `other`."""
        import torch

        def pick(own: "torch.Tensor", theirs: "torch.Tensor") -> "torch.Tensor":
            return torch.where(kept_B.view(-1, *[1] * (own.ndim - 1)), own, theirs)

        others = {name: pick(own, other.others[name]) for name, own in self.others.items()}
        return Conditioning(pick(self.text_BLC, other.text_BLC), pick(self.mask_BL, other.mask_BL), others)


class Backbone(Protocol):
    """A network that a denoiser is made of; it knows nothing of noise schedules and guidance."""

    def embed(self, conditioning: Conditioning) -> Conditioning:
        """Conditioning as `forward` reads it, computed once for all steps; its text rows are still one a token."""
        ...

    def __call__(self, x_BD: "torch.Tensor", t_B: "torch.Tensor", embedded: Conditioning) -> "torch.Tensor":
        """Output [B, D, …] of noised latents at diffusion times in [0, 1]."""
        ...


class Schedule(Protocol):
    """x_t = α_t x_0 + σ_t ε, t from 0, data, to 1, noise; solvers count in σ_edm = σ_t / α_t (Karras et al. 2022)."""

    def alpha_sigma(self, t: "torch.Tensor") -> tuple["torch.Tensor", "torch.Tensor"]:
        """α_t and σ_t, in the shape and dtype of `t`."""
        ...

    def time_of(self, sigma: float) -> float:
        """The t of a σ_edm ≥ 0."""
        ...


class Prediction(Protocol):
    """What the network is asked for, and the way from it to x_0. `alpha` and `sigma` broadcast against latents."""

    def target(
        self, x0_BD: "torch.Tensor", noise_BD: "torch.Tensor", alpha: "torch.Tensor", sigma: "torch.Tensor"
    ) -> "torch.Tensor":
        """Of data and noise."""
        ...

    def data_of(
        self, x_t_BD: "torch.Tensor", output_BD: "torch.Tensor", alpha: "torch.Tensor", sigma: "torch.Tensor"
    ) -> "torch.Tensor":
        """x_0 of x_t and the network's output."""
        ...


Draw = Callable[..., "torch.Tensor"]
"""Uniform random numbers of a shape, items first; the same numbers whatever processes share the batch."""


@dataclass(frozen=True)
class Hidden:
    """Which patches are hidden from a network.

    Attributes:
        mask_BP: True at hidden ones.
        fewest: Of any sample; known beforehand, so that shapes do not depend on what was drawn.
        most: Of any sample.
    """

    mask_BP: "torch.Tensor"
    fewest: int
    most: int


class Objective(Protocol):
    """How far a network's outputs lie from their target."""

    def __call__(
        self,
        network: "Callable[..., torch.Tensor]",
        target_BD: "torch.Tensor",
        snr_B: "torch.Tensor",
        draw: Draw | None,
    ) -> "torch.Tensor":
        """A scalar, a mean over samples.

        Args:
            network: Its output [B, D, …] for the noised batch; where the backbone has patches, `hide` may be a function
                from their number P to which are `Hidden`.
            target_BD: What the output should be.
            snr_B: α²/σ² of each sample.
            draw: What the objective draws itself; None outside of training, where nothing is hidden.
        """
        ...


Denoise = Callable[["torch.Tensor", float], "torch.Tensor"]
"""D(x, σ) = E[x_0 | x = x_0 + σ ε], [B, D, …]."""
Noise = Callable[[], "torch.Tensor"]
"""Fresh standard normals [B, D, …], each sample's from a stream of its own."""


class Solver(Protocol):
    """From noise to data along falling noise levels."""

    def solve(self, denoise: Denoise, x: "torch.Tensor", sigmas: Sequence[float], noise: Noise) -> "torch.Tensor":
        """x at the last of `sigmas`, which fall and may end in 0, from x at the first.

        Args:
            denoise: D.
            x: x_0 + σ ε at `sigmas[0]`.
            sigmas: σ_edm.
            noise: What a stochastic solver adds; deterministic ones never ask.
        """
        ...


@dataclass(frozen=True)
class Branch:
    """What a branch of guidance is told in place of what "cond" is.

    Attributes:
        text: A prompt; None for no text at all, the denoiser's null.
        attributes: Those that differ, by name: {"quality": 1.0}.
        weak: Whether it is the weak model's word on what "cond" is told, whatever `text` says.
    """

    text: str | None
    attributes: Mapping[str, float]
    weak: bool = False


class Guidance(Protocol):
    """How the outputs of several branches, each told something else, become one."""

    @property
    def told(self) -> Mapping[str, Branch]:
        """All branches but "cond", which is told what was asked for."""
        ...

    def branches(self, sigma: float) -> tuple[str, ...]:
        """The branches that are needed at σ: "cond" and those of `told`."""
        ...

    def mix(self, outputs: Mapping[str, "torch.Tensor"], sigma: float) -> "torch.Tensor":
        """One output of those of `branches(sigma)`."""
        ...


@dataclass(frozen=True)
class Group:
    """The samples of one prompt in a batch: their rows, and their names."""

    prompt: str
    rows: Sequence[int]
    seeds: Sequence[int]
    indices: Sequence[int]


class DiversityMethod(Protocol):
    """What makes the samples of a prompt differ, by hooks that each may leave things as they are."""

    couples: ClassVar[bool]
    """Whether a sample depends on the others of its group: then a prompt's samples must fit one batch."""
    reads_codes: ClassVar[bool]
    """Whether the noise of `condition` is one padding code a sample, kept for all steps (`diffusion/padding_codes`)."""

    def perturbs(self, t: float) -> bool:
        """Whether the two `condition` hooks change anything at diffusion time t; only then noise is drawn."""
        ...

    def condition(
        self, text_BLC: "torch.Tensor", mask_BL: "torch.Tensor", noise_BLC: "torch.Tensor", t: float
    ) -> "torch.Tensor":
        """Embedded text rows as the network shall see them at t; n is fresh at every call, but for codes."""
        ...

    def condition_uncond(
        self, text_BLC: "torch.Tensor", mask_BL: "torch.Tensor", noise_BLC: "torch.Tensor", own: Noise, t: float
    ) -> "torch.Tensor":
        """The same for guidance's other branches, which may share the noise or ask for their own."""
        ...

    def guide(self, x_ID: "torch.Tensor", denoised_ID: "torch.Tensor", sigma: float, group: Group) -> "torch.Tensor":
        """D [I, D, …] of one group's samples, moved; fillers of a batch are in no group."""
        ...
