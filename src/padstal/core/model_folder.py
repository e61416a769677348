"""The folder of a model: its weights lie in one file, whose SHA-256 says which model it is."""

from pathlib import Path

from padstal.core.data.content import sha256_file

WEIGHTS = "model.safetensors"


def fingerprint(folder: Path) -> str:
    """SHA-256 of a model's weights.

    Raises:
        FileNotFoundError: There are none.
    """
    if not (folder / WEIGHTS).is_file():
        raise FileNotFoundError(f"{folder / WEIGHTS}: not found; has the stage that writes it run?")
    return sha256_file(folder / WEIGHTS)
