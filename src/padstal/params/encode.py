"""`encode`: clips to latents, once."""

from padstal.params.section import Section, value


class EncodeParams(Section):
    """How clips become latent shards."""

    batch_clips: int = value("clips encoded at once", "clips", ge=1)
