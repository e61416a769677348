"""A stage ends with the DVC that started it, so that no orphan writes where a new run does (Linux).

The kernel is asked for a signal when the parent dies. It sends none if the parent died before it was asked, so that is
looked for, too: DVC's children are of its process group, and whoever inherits an orphan is not.
"""

import ctypes
import os
import signal
import sys

SET_PARENT_DEATH_SIGNAL = 1
"""`PR_SET_PDEATHSIG` of `prctl`."""


def die_with_parent() -> None:
    """End this process when its parent does; at once if DVC started it and is dead already.

    Raises:
        SystemExit: DVC is dead.
    """
    if sys.platform != "linux":
        return
    # a process that trains beside its parent would, on SIGTERM, wait for the parent to agree on the end
    beside = os.environ.get("LOCAL_RANK", "0") != "0"
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL if beside else signal.SIGTERM)
    if "DVC_STAGE" in os.environ and os.getpgid(os.getppid()) != os.getpgrp():
        raise SystemExit(f"{os.environ['DVC_STAGE']}: the DVC that started this stage is dead; nothing was done")
