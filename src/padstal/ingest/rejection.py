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
CHECKSUM = "checksum"
DUPLICATE = "duplicate"
CRASHED = "crashed"
TIMEOUT = "timeout"
FETCH_FAILED = "fetch_failed"
FORGOTTEN = "forgotten"

MISSING = "row_missing"
OUTSIDE = "row_outside"
REPEATED = "row_repeated"
MALFORMED = "row_malformed"
AMBIGUOUS = "row_ambiguous"
ROW_REASONS = (MISSING, OUTSIDE, REPEATED, MALFORMED, AMBIGUOUS)
"""Reasons about a row of a metadata table that has no file of its own."""

LINKED_FOLDER = "linked_folder"
HIDDEN = "hidden"
UNREADABLE_FOLDER = "unreadable_folder"
DEAD_LINK = "dead_link"
PASSED_OVER = {
    LINKED_FOLDER: "a linked folder, not looked into: `linked_folders: true` of the source does, each once",
    HIDDEN: "a hidden name, not looked at: `hidden: true` of the source does",
    UNREADABLE_FOLDER: "a folder that may not be read: change its rights",
    DEAD_LINK: "a link to what is not there, be it a drive that is not mounted: bring it back, or remove the link",
}
"""Why a folder, a link to nothing or a file with a hidden name is not looked at, and what changes that; what is in it
is not counted."""
NO_FILE_REASONS = (*ROW_REASONS, *PASSED_OVER)
"""All others are about a file that is there."""


class RejectedError(Exception):
    """A file that goes to quarantine.

    Attributes:
        reason: One about a file that is there.
        detail: What was found and what is allowed.
    """

    def __init__(self, reason: str, detail: str):
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def damaged(detail: str) -> RejectedError:
    """Of a file that contradicts itself."""
    return RejectedError(DAMAGED, detail)


def truncated(detail: str) -> RejectedError:
    """Of a file whose end is missing."""
    return RejectedError(TRUNCATED, detail)


def unsupported(detail: str) -> RejectedError:
    """Of a file of a kind that is not read."""
    return RejectedError(FORMAT, detail)
