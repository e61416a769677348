"""`encode`: clips to latents, once."""

from padstal.core.section import Section, value


class EncodeParams(Section):
    """How clips become latent shards."""

    batch_clips: int = value("clips encoded at once", "clips", ge=1)
    reconstructions: int = value("held-out clips whose reconstructions are kept to listen to", "clips", ge=1)
    measured_clips: int = value("held-out clips that reconstruction quality is measured on, at most", "clips", ge=1)
