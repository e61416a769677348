"""padstal: from a pile of music to a text-to-music model whose quality, alignment and diversity are measured."""

__version__ = "0.1.0"
