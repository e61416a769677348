"""What the parts of padstal ask of one another: protocols and records, no implementation."""

from padstal.core.protocols.foundation import (
    AudioTextEmbedder,
    Captioner,
    QualityScorer,
    Tagger,
    Tags,
    TextEncoder,
    TextStates,
)
from padstal.core.protocols.generative import (
    Backbone,
    Codec,
    Conditioning,
    Denoise,
    DiversityMethod,
    Group,
    Guidance,
    Noise,
    Objective,
    Prediction,
    Schedule,
    Solver,
    Steps,
)

__all__ = [
    "AudioTextEmbedder",
    "Backbone",
    "Captioner",
    "Codec",
    "Conditioning",
    "Denoise",
    "DiversityMethod",
    "Group",
    "Guidance",
    "Noise",
    "Objective",
    "Prediction",
    "QualityScorer",
    "Schedule",
    "Solver",
    "Steps",
    "Tagger",
    "Tags",
    "TextEncoder",
    "TextStates",
]
