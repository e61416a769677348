"""Prefect's settings for a run by hand, with a server or none; to be imported before `prefect`. Set variables win."""

import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "http://127.0.0.1:4200/api"
"""Of `make server`; pyproject.toml tells it to Prefect's own commands."""


def answers(address: str) -> bool:
    """Whether a program listens there."""
    place = urlsplit(address)
    try:
        socket.create_connection((str(place.hostname), int(place.port or 80)), timeout=1).close()
    except OSError:
        return False
    return True


# the folder of a script is among the places to import from, and flows/evaluate.py is not the package `evaluate`
sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != ROOT / "flows"]

for _name, _value in {
    "PREFECT_HOME": str(ROOT / ".prefect"),
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # its own 20 s are too few on two busy cores
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}.items():
    os.environ.setdefault(_name, _value)
if "PREFECT_API_URL" not in os.environ:  # "" is a server of its own, for this run alone
    os.environ["PREFECT_API_URL"] = ADDRESS if answers(ADDRESS) else ""
