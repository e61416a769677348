"""Licences under one name each, so that a policy can be a list."""

import re

_CC_URL = re.compile(r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)", re.IGNORECASE)
_CC_NAME = re.compile(r"cc[\s_-]*((?:by|nc|nd|sa)(?:[\s_-]+(?:nc|nd|sa))*)(?:[\s_-]*v?(\d(?:\.\d)?))?", re.IGNORECASE)
_CC0 = re.compile(r"(creativecommons\.org/publicdomain/zero|^cc[\s_-]*(0|zero))", re.IGNORECASE)
_PUBLIC_DOMAIN = re.compile(r"(creativecommons\.org/publicdomain/mark|^public[\s_-]*domain$|^pdm)", re.IGNORECASE)


def normalise(licence: str) -> str:
    """One spelling of a licence: "cc by 4.0" and its address are both "CC-BY-4.0"; what is not known stays as it is.

    A Creative Commons licence without a version keeps none, and is then another licence than the one with a version.
    """
    text = " ".join(licence.split())
    if _CC0.search(text):
        return "CC0-1.0"
    if _PUBLIC_DOMAIN.search(text):
        return "Public-Domain"
    found = _CC_URL.search(text) or _CC_NAME.fullmatch(text)
    if found:
        terms = re.sub(r"[\s_-]+", "-", found.group(1)).upper()
        version = found.group(2) or ""
        version = f"{version}.0" if len(version) == 1 else version
        return f"CC-{terms}-{version}" if version else f"CC-{terms}"
    return text


def allowed(licence: str, policy: tuple[str, ...]) -> bool:
    """Whether `policy` names the licence; "" (none stated) never is."""
    return bool(licence) and normalise(licence).casefold() in {normalise(entry).casefold() for entry in policy}
