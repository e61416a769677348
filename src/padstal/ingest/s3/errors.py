"""What went wrong with a store, and whether asking again can help: retries are bounded, spaced and jittered."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")

FIRST_WAIT_SECONDS = 0.25
CREDENTIALS_HELP = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary ones) or AWS_PROFILE, or "
    "`aws sso login`; for a bucket that anyone may read, set `anonymous: true` at the source"
)
_CREDENTIALS = {
    "ExpiredToken",
    "ExpiredTokenException",
    "TokenRefreshRequired",
    "InvalidToken",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidSecurity",
    "AuthorizationHeaderMalformed",
    "AccountProblem",
    "AllAccessDisabled",
    "NotSignedUp",
}
_CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}
_TRANSIENT = {
    "SlowDown",
    "ServiceUnavailable",
    "InternalError",
    "InternalFailure",
    "RequestTimeout",
    "RequestTimeoutException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "OperationAborted",
}
_TRANSIENT_STATUS = {408, 429, 500, 502, 503, 504}
_CREDENTIALS_EXCEPTIONS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "CredentialRetrievalError",
    "ProfileNotFound",
    "NoAuthTokenError",
    "TokenRetrievalError",
    "UnknownCredentialError",
    "SSOError",
    "LoginError",
    "RefreshWithMFAUnsupportedError",
}


class StoreError(RuntimeError):
    """A store cannot be read; the message names it and says what would mend it."""


class CredentialsError(StoreError):
    """A store refuses who we are; asking again does not help."""


class StoppedError(Exception):
    """Another object's failure ended the run."""


class CorruptError(Exception):
    """Bytes that are not what the store promised."""


class ChangedError(Exception):
    """The object is no longer the one that was listed."""


class StoreFailure(Enum):
    """What kind of failure it is, which decides what to do."""

    TRANSIENT = "ask again"
    CORRUPT = "fetch again from the start"
    CHANGED = "look again, then fetch"
    MISSING = "the object is gone"
    DENIED = "this object is refused"
    CREDENTIALS = "we are refused"
    PERMANENT = "asking again does not help"


def store_failure(error: BaseException) -> StoreFailure:
    """The kind of an error raised by boto3, urllib3 or this package."""
    import http.client

    from botocore.exceptions import BotoCoreError, ChecksumError, ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as EndpointError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    if isinstance(error, CorruptError):
        return StoreFailure.CORRUPT
    if isinstance(error, ChangedError):
        return StoreFailure.CHANGED
    if isinstance(error, ClientError):
        return _of_answer(*_code(error))
    if {base.__name__ for base in type(error).__mro__} & _CREDENTIALS_EXCEPTIONS:
        return StoreFailure.CREDENTIALS
    again = (HTTPClientError, EndpointError, IncompleteReadError, ChecksumError, ResponseParserError, HTTPError)
    if isinstance(error, (*again, http.client.HTTPException, ConnectionError, TimeoutError)):
        return StoreFailure.TRANSIENT
    if isinstance(error, BotoCoreError):
        return StoreFailure.PERMANENT
    raise error


def explain(error: BaseException) -> str:
    """An error in one line for people, with the store's own code and without the request's address."""
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        code, status = _code(error)
        message = error.response.get("Error", {}).get("Message") or "no message"
        return f"{code} (HTTP {status}): {message}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def refused(where: str, error: BaseException) -> CredentialsError:
    """The error for credentials that `where` does not take."""
    code = _code(error)[0] if hasattr(error, "response") else ""
    advice = "set this machine's clock" if code in _CLOCK else CREDENTIALS_HELP
    return CredentialsError(f"{where}: refused: {explain(error)}; {advice}")


@dataclass(frozen=True)
class RetryBudget:
    """How often and how far apart to ask.

    Attributes:
        attempts: Requests in a row without progress before giving up.
        longest_wait_seconds: Bound of the waits, which double from `FIRST_WAIT_SECONDS`.
        stop: Set when the run ends early; a wait then raises `StoppedError`.
    """

    attempts: int
    longest_wait_seconds: float
    stop: threading.Event

    def wait(self, failures: int) -> None:
        """Wait after the `failures`-th failure in a row: between half and the whole of the doubled time, at random.

        Raises:
            StoppedError: The run ended.
        """
        bound = min(self.longest_wait_seconds, FIRST_WAIT_SECONDS * 2 ** (failures - 1))
        if self.stop.wait(bound * random.uniform(0.5, 1.0)):
            raise StoppedError

    def ask(self, request: Callable[[], ResultT]) -> ResultT:
        """What `request` gives; asked again while its failure is transient.

        Raises:
            Exception: The last error, as `request` raised it.
            StoppedError: The run ended.
        """
        failures = 0
        while True:
            try:
                return request()
            except Exception as error:
                failures += 1
                if store_failure(error) is not StoreFailure.TRANSIENT or failures >= self.attempts:
                    raise
            self.wait(failures)


def _of_answer(code: str, status: int) -> StoreFailure:
    if code in _CREDENTIALS | _CLOCK or status == 401:
        return StoreFailure.CREDENTIALS
    if code in _TRANSIENT or status in _TRANSIENT_STATUS:
        return StoreFailure.TRANSIENT
    if status in (412, 416):
        return StoreFailure.CHANGED
    if status == 404 and code != "NoSuchBucket":
        return StoreFailure.MISSING
    if status == 403 and code != "InvalidObjectState":  # in an archive, to be restored first
        return StoreFailure.DENIED
    return StoreFailure.PERMANENT


def _code(error: Any) -> tuple[str, int]:
    answer = error.response
    return str(answer.get("Error", {}).get("Code", "")), int(
        answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    )
