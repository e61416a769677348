"""Guidance: how what a model says of several branches becomes one output. This table is the one place that lists it."""

from padstal.core.kinds import Kinds
from padstal.sampling.guidance.autoguidance import Autoguidance
from padstal.sampling.guidance.classifier_free import ClassifierFree
from padstal.sampling.guidance.interval import Interval
from padstal.sampling.guidance.quality import NegativePrompt, Quality, QualityReleased

GUIDANCE = Kinds("guidance", ClassifierFree, Interval, Autoguidance, Quality, QualityReleased, NegativePrompt)
