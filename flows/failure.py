"""Why a stage failed, and whether another try can help.

DVC exits with 255 whatever happened, so the cause is read from what it wrote: "failed to run: …, exited with N", and
before that the stage's own "STAGE failed: …".
"""

import re
from collections.abc import Sequence
from enum import Enum

from flows.child import Outcome
from padstal.core.secrets import redact


class FailureKind(Enum):
    """Why a stage failed."""

    KILLED = "killed by a signal (out of memory, pre-emption)"
    LOCK = "another process holds DVC's lock"
    NETWORK = "the network or a remote store"
    DISK = "a full disk"
    PARAMETER = "a parameter"
    REFUSED = "the gate refused the data"
    CREDENTIALS = "credentials that the store refuses"
    TIME = "more time than the stage may take"
    STAGE = "the stage itself (params, data or code)"
    DVC = "DVC (the pipeline's definition or a missing file)"

    @property
    def transient(self) -> bool:
        """Whether another try can help."""
        return self in (FailureKind.KILLED, FailureKind.LOCK, FailureKind.NETWORK)


class StageFailedError(RuntimeError):
    """A stage failed; the message says which, why and its last words."""

    def __init__(self, stage: str, kind: FailureKind, words: str):
        words = redact(words)
        super().__init__(f"{stage}: {kind.value}: {words}")
        self.stage, self.kind, self.words = stage, kind, words


_EXITED = re.compile(r"failed to run: .*, exited with (-?\d+)")
_OWN_WORDS = re.compile(r"^(?P<stage>\w+)(?:@\w+)? failed: (?P<words>.*)")
"""How a stage says what is at fault (`padstal/stages/harness.py`)."""
_PARAMETER = re.compile(r"(params\.yaml\b|(scales|runtime|tracking|scale)\b[\w.]* ?[=:])")
_DISK = re.compile(r"No space left on device|ENOSPC|Disk quota exceeded|disk (or the quota )?is full", re.IGNORECASE)
_CREDENTIALS = re.compile(
    r"AccessDenied|Access Denied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|NoCredentialsError"
    r"|Unable to locate credentials|AWS_ACCESS_KEY_ID",
    re.IGNORECASE,
)
_LOCK = re.compile(r"unable to acquire (the )?lock|is busy|lock .*held by|rwlock", re.IGNORECASE)
_NETWORK = re.compile(
    r"connection (was )?(reset|refused|aborted|timed out|closed|lost|broken)|connect timeout|read timed? ?out"
    r"|name resolution|EndpointConnectionError|ConnectTimeoutError|ConnectionResetError|ConnectionRefusedError"
    r"|RemoteDisconnected|ServerDisconnected|ClientOSError|SlowDown|ServiceUnavailable|InternalError|RequestTimeout"
    r"|IncompleteRead|network is unreachable|no route to host|too many requests",
    re.IGNORECASE,
)
LINES_OF_AN_ERROR = 12
_SHELL_SIGNAL = 128
"""A shell reports a child that signal N killed as 128 + N."""


def failure_kind(outcome: Outcome) -> FailureKind:
    """Why a `dvc repro` that ended with `outcome` failed.

    What the stage itself names goes before what its log mentions: a run that lost a connection, came back and then
    found a wrong parameter failed for the parameter.
    """
    if outcome.timed_out:
        return FailureKind.TIME
    lines = outcome.lines[-60:]
    text = "\n".join(lines)
    exited = [int(code) for code in _EXITED.findall(text)]
    own = _own_words(lines)
    if _DISK.search(text):
        return FailureKind.DISK
    if outcome.code < 0 or any(code < 0 or code > _SHELL_SIGNAL for code in exited):
        return FailureKind.KILLED
    if own and own["stage"] == "gate":
        return FailureKind.REFUSED
    if own and _PARAMETER.match(own["words"]):
        return FailureKind.PARAMETER
    if _CREDENTIALS.search(text):
        return FailureKind.CREDENTIALS
    if _NETWORK.search(text):
        return FailureKind.NETWORK
    if exited:
        return FailureKind.STAGE
    return FailureKind.LOCK if _LOCK.search(text) else FailureKind.DVC


def last_words(outcome: Outcome) -> str:
    """What the output says last and whole: the stage's own "… failed: …", else DVC's error, else the last line.

    DVC names what an error is about on lines of their own, so those are joined.
    """
    if own := _own_words(outcome.lines):
        return own["words"]
    errors = [place for place, line in enumerate(outcome.lines) if line.startswith("ERROR: ")]
    if errors:
        words = outcome.lines[errors[-1] :]
        more = f" and {len(words) - LINES_OF_AN_ERROR} lines more" if len(words) > LINES_OF_AN_ERROR else ""
        return " ".join(words[:LINES_OF_AN_ERROR]).removeprefix("ERROR: ") + more
    return outcome.lines[-1] if outcome.lines else f"exit status {outcome.code} and no output"


def _own_words(lines: Sequence[str]) -> re.Match[str] | None:
    return next((match for line in reversed(lines) if (match := _OWN_WORDS.match(line))), None)
