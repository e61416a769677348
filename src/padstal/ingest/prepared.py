"""Importing this prepares a process from which workers are copied: it has imported and compiled all that they use."""

import gc
from contextlib import suppress

from padstal.ingest.track import prepare

with suppress(Exception):  # a worker will meet it again, and say so
    prepare()
gc.freeze()  # what workers share is not walked through, and so not copied
