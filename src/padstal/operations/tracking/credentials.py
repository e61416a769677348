"""Where W&B's credentials are, never what they are."""

import netrc
import os
from pathlib import Path
from urllib.parse import urlparse


def wandb_credentials() -> str | None:
    """Where W&B credentials are ("WANDB_API_KEY", a file); None if there are none."""
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        if os.environ.get(name):
            return name
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    file = Path(os.environ.get("NETRC", Path.home() / ".netrc"))
    try:
        known = netrc.netrc(str(file)).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return file.name if known else None
