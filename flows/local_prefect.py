"""Prefect's settings for a run by hand, with a server or none; to be imported before `prefect`. Set variables win."""

import os
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOST, PORT = "127.0.0.1", 4200
ADDRESS = f"http://{HOST}:{PORT}/api"
"""Of `make server`; pyproject.toml tells it to Prefect's own commands."""

for _name, _value in {
    "PREFECT_HOME": str(ROOT / ".prefect"),
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",  # its own 20 s are too few on two busy cores
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}.items():
    os.environ.setdefault(_name, _value)
if "PREFECT_API_URL" not in os.environ:
    try:
        socket.create_connection((HOST, PORT), timeout=1).close()
        os.environ["PREFECT_API_URL"] = ADDRESS
    except OSError:  # nobody listens there
        os.environ["PREFECT_API_URL"] = ""  # a server of its own, for this run alone
