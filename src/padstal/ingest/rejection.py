"""Why a file is not music that we can use: a reason that counts can be made of, and a detail for people."""

NOT_REGULAR = "not_regular"
NAME = "name"
EMPTY = "empty"
FORMAT = "format"
NO_AUDIO = "no_audio"
PROTECTED = "protected"
SEVERAL_STREAMS = "several_streams"
UNREADABLE = "unreadable"
SAMPLE_RATE = "sample_rate"
CHANNELS = "channels"
TOO_SHORT = "too_short"
TOO_LONG = "too_long"
TOO_LARGE = "too_large"
TRUNCATED = "truncated"
DAMAGED = "damaged"
NONFINITE = "nonfinite"
RANGE = "range"
SILENT = "silent"
CLIPPED = "clipped"
NARROW = "narrow_band"
LICENCE = "licence"
DUPLICATE = "duplicate"
CRASHED = "crashed"
TIMEOUT = "timeout"
FETCH_FAILED = "fetch_failed"
FORGOTTEN = "forgotten"
FILE_REASONS = (
    NOT_REGULAR,
    NAME,
    EMPTY,
    FORMAT,
    NO_AUDIO,
    PROTECTED,
    SEVERAL_STREAMS,
    UNREADABLE,
    SAMPLE_RATE,
    CHANNELS,
    TOO_SHORT,
    TOO_LONG,
    TOO_LARGE,
    TRUNCATED,
    DAMAGED,
    NONFINITE,
    RANGE,
    SILENT,
    CLIPPED,
    NARROW,
    LICENCE,
    DUPLICATE,
    CRASHED,
    TIMEOUT,
    FETCH_FAILED,
    FORGOTTEN,
)
"""Reasons about a file that is there."""

MISSING = "row_missing"
OUTSIDE = "row_outside"
REPEATED = "row_repeated"
MALFORMED = "row_malformed"
ROW_REASONS = (MISSING, OUTSIDE, REPEATED, MALFORMED)
"""Reasons about a row of a metadata table that has no file of its own."""


class RejectedError(Exception):
    """A file that goes to quarantine.

    Attributes:
        reason: One of `FILE_REASONS`.
        detail: What was found and what is allowed.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
