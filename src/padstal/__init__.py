"""padstal: from a pile of music to a text-to-music model whose quality, alignment and diversity are measured."""

from padstal.core.arithmetic import settle

__version__ = "0.1.0"

settle()  # here, since nothing of padstal is imported earlier, and torch reads it once
