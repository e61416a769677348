"""Diversity methods: what makes the samples of one prompt differ. This table is the one place that lists them."""

from padstal.core.kinds import Kinds
from padstal.sampling.diversity.cads import Cads
from padstal.sampling.diversity.padding_code import PaddingCode
from padstal.sampling.diversity.pads import Pads
from padstal.sampling.diversity.particle_guidance import ParticleGuidance
from padstal.sampling.diversity.sparke import Sparke
from padstal.sampling.diversity.unperturbed import Unperturbed
from padstal.sampling.diversity.vendi_guidance import VendiGuidance

METHODS = Kinds("diversity method", Unperturbed, Cads, Pads, PaddingCode, ParticleGuidance, Sparke, VendiGuidance)
