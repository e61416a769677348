"""Parts of networks: what backbones and codecs are built of."""
