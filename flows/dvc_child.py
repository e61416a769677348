"""DVC as a program that the kernel ends when the flow dies, so that no orphan writes where a new run does (Linux).

Usage: python flows/dvc_child.py PARENT_PID [DVC ARGUMENTS]
"""

import ctypes
import os
import signal
import sys


def main() -> int:
    parent = int(sys.argv.pop(1))
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            return 1
    from dvc.cli import main as dvc

    return dvc(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
