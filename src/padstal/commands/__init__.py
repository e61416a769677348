"""The commands of `padstal`, one a file; each `run` returns the exit status."""
