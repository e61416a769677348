"""Who asks: AWS Signature Version 4 in the Authorization header, as the test server checks it."""

import hashlib
import hmac
import re
from collections.abc import Mapping

from tests.ingest.s3.s3_objects import RefusedError

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/"
    r"(?P<scope>(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request), ?"
    r"SignedHeaders=(?P<names>[^,]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


def check(
    method: str, path: str, query: str, headers: Mapping[str, str], *, access_key: str, secret_key: str, token: str
) -> None:
    """Refuse a request that is not signed with the keys.

    Args:
        method, path, query: As they stand in the request.
        headers: Of the request; names in lower case.
        access_key, secret_key: Expected.
        token: Session token expected; "" for none.

    Raises:
        RefusedError: With S3's code.
    """
    match = _HEADER.fullmatch(headers.get("authorization", ""))
    if not match:
        raise RefusedError("AccessDenied", 403, "Anonymous access is forbidden")
    if match["key"] != access_key:
        raise RefusedError("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist")
    if headers.get("x-amz-security-token", "") != token:
        raise RefusedError("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
    names = match["names"].split(";")
    pairs = sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair)
    canonical = "\n".join(
        [
            method,
            path,
            "&".join(pairs),
            *(f"{name}:{' '.join(headers.get(name, '').split())}" for name in names),
            "",
            match["names"],
            headers.get("x-amz-content-sha256", ""),
        ]
    )
    text = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers.get("x-amz-date", ""),
            match["scope"],
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    secret = f"AWS4{secret_key}".encode()
    for part in (match["day"], match["region"], match["service"], "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.new(secret, text.encode(), "sha256").hexdigest(), match["signature"]):
        raise RefusedError("SignatureDoesNotMatch", 403, "The request signature we calculated does not match")
