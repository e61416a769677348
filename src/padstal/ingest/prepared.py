"""Importing this prepares a process from which workers are copied: it has imported and compiled all that they use."""

import gc
import warnings
from contextlib import suppress

from padstal.ingest.track import prepare

# each child runs the main module by name once more, which is here already
warnings.filterwarnings("ignore", message=".*found in sys.modules after import of package", module="runpy")
with suppress(Exception):  # a worker will meet it again, and say so
    prepare()
gc.freeze()  # what workers share is not walked through, and so not copied
