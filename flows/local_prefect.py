"""Prefect's settings for a run without a server at hand. To be imported before `prefect`; variables already set win."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

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
