"""Passwords inside addresses ("s3://user:password@bucket"): a message that shows the address must not repeat them."""

import re

_USER_INFO = re.compile(r"(?<=://)(?:[^\s/@:]*:\S*|[^\s/@]+)@")
"""Up to the last @ where there is a colon, for a password may hold / and @ (AWS's keys do)."""


def without_user(address: str) -> str:
    """An address without user name and password, as it may be kept and used."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", address)


def without_passwords(text: str) -> str:
    """`text`, the part before the host of each address in it removed."""
    return _USER_INFO.sub("[removed]@", text)
