"""What all tests share."""

from hypothesis import settings

# first calls compile kernels and import libraries, and CI's machines are busy: a time limit a call says nothing
settings.register_profile("padstal", deadline=None)
settings.load_profile("padstal")
