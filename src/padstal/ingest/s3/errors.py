"""What went wrong with a store, in one sentence that says what would mend it."""

from typing import Any

CREDENTIALS_HELP = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN for temporary ones) or AWS_PROFILE, or "
    "`aws sso login`; for a bucket that anyone may read, set `anonymous: true` at the source"
)
_CREDENTIALS = {
    "AccountProblem",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidSecurity",
    "InvalidToken",
    "NotSignedUp",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}


class StoreError(RuntimeError):
    """A store cannot be read; the message names it and says what would mend it."""


def boto_errors() -> tuple[type[Exception], ...]:
    """All that boto3 raises for what a store or the line to it does."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    return BotoCoreError, ClientError, ResponseParserError, HTTPError


def code_of(error: Exception) -> tuple[str, int]:
    """The store's own code and HTTP's; ("", 0) where it did not answer."""
    answer: dict[str, Any] = getattr(error, "response", None) or {}
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return str(answer.get("Error", {}).get("Code", "")), int(status or 0)


def explain(error: Exception) -> str:
    """An error in one line for people, with the store's own code and without the request's address."""
    code, status = code_of(error)
    if status:
        return f"{code} (HTTP {status}): {error.response['Error'].get('Message') or 'no message'}"  # type: ignore[attr-defined]
    return f"{type(error).__name__}: {error}"


def refuses_us(error: Exception) -> bool:
    """Whether no object can be had any more: credentials are missing, wrong or expired, or the clock is."""
    from botocore import exceptions as boto

    code, status = code_of(error)
    lacking = (
        boto.NoCredentialsError,
        boto.PartialCredentialsError,
        boto.CredentialRetrievalError,
        boto.ProfileNotFound,
        boto.NoAuthTokenError,
        boto.TokenRetrievalError,
        boto.SSOError,
        boto.LoginError,
    )
    return isinstance(error, lacking) or status == 401 or code in _CREDENTIALS


def failure(place: str, error: Exception) -> StoreError:
    """The error of a store that cannot be read at all."""
    from botocore.exceptions import ConnectionError as EndpointError
    from botocore.exceptions import HTTPClientError

    if refuses_us(error) or code_of(error)[1] == 403:
        return StoreError(f"{place}: refused: {explain(error)}; {CREDENTIALS_HELP}")
    if isinstance(error, HTTPClientError | EndpointError):
        return StoreError(f"{place}: no usable answer: {explain(error)}; is the endpoint right, and up?")
    return StoreError(f"{place}: {explain(error)}; expected a bucket that is there, in its region")
