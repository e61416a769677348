"""Files that may be damaged or made to do harm: one error in our words, whatever the library that reads them says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LONGEST_REASON = 200
"""Characters of a library's message that ours repeats."""


class UntrustedFileError(ValueError):
    """A file of weights is not what it should be; it was not used."""


@contextmanager
def expecting(what: str, path: Path) -> Iterator[None]:
    """What a library raises in reading `path` becomes an `UntrustedFileError` naming it; the system's errors stay."""
    try:
        yield
    except (UntrustedFileError, FileNotFoundError):
        raise
    except Exception as error:  # libraries raise many kinds for what is damaged
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, IsADirectoryError):
            raise
        raise UntrustedFileError(f"{path}: not {what}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What a library says, in one line: its first, the second too where that says what is wrong with a state dict.

    Names of a file's tensors may stand in it, with characters that would act on a terminal: they are "?".
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()][:2]
    if isinstance(error, KeyError):
        return f"{error} is missing"
    said = (" ".join(lines) or type(error).__name__)[:LONGEST_REASON]
    return "".join(char if char.isprintable() else "?" for char in said)
