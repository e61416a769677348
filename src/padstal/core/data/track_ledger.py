"""The ledger of a model: the SHA-256 of every source file whose clips were in its training split, sorted.

    reports/<scale>/ledger/<stage>_<item>.json    {"sha256": [one a line], "tracks": how many}; in git, so that history
                                                  is searched without any data
    <the model's folder>/tracks.json              how many, and the SHA-256 of that file: the ledger's root

The list is in git and only its root beside the weights, so that neither DVC's cache nor its remote need to change when
a track is forgotten and the model is kept. Git stores equal ledgers once, and a later one as its difference. To DVC it
is a metric, for a stage with any other output that is not cached gets no run-cache.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from padstal.core.data.atomic import write_json
from padstal.core.data.content import sha256_file

ROOT_FILE = "tracks.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_ledger(content: bytes) -> frozenset[str]:
    """The SHA-256s of a ledger.

    Raises:
        ValueError: It is none; nor is an empty one, for nothing is trained on no track.
    """
    try:
        tree = json.loads(content)
        listed = tree["sha256"]
        if not listed or tree["tracks"] != len(listed) or listed != sorted(set(listed)):
            raise ValueError("not sorted, or not as many as it says")
        if not all(_SHA256.fullmatch(one) for one in listed):
            raise ValueError("not all are SHA-256s")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"no ledger: {error}") from None
    return frozenset(listed)


def write_ledger(path: Path, model_folder: Path, sha256s: Iterable[str]) -> None:
    """Write the ledger to `path` and its root into `model_folder`.

    Raises:
        ValueError: One of them is no SHA-256, or there is none.
    """
    listed = sorted({str(one) for one in sha256s})
    content = {"sha256": listed, "tracks": len(listed)}
    read_ledger(json.dumps(content).encode())
    write_json(path, content)
    write_json(model_folder / ROOT_FILE, {"tracks": len(listed), "sha256": sha256_file(path)})
