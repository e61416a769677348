"""GitHub's REST interface, as far as one comment that is kept up to date needs it. Standard library alone."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 30
MOST_PAGES = 30
PAGE = 100
HEADERS = {
    "Accept": "application/vnd.github+json",
    "Content-Type": "application/json",
    "X-GitHub-Api-Version": "2022-11-28",
    "User-Agent": "padstal",
}


class GitHubError(RuntimeError):
    """GitHub refused, or answered with what it should not; the message holds no text from outside."""


@dataclass(frozen=True)
class GitHub:
    """One repository behind GitHub's REST interface; its methods raise `GitHubError`, whatever went wrong.

    Attributes:
        api: Its address, e.g. the value of GITHUB_API_URL.
        repository: "owner/name".
        token: Sent to `api` and nowhere else.
    """

    api: str
    repository: str
    token: str

    def pages(self, path: str, key: str = "", **query: str | int) -> Iterator[Mapping[str, Any]]:
        """Items of a list, page by page; `key` names the list if it lies in an object."""
        for page in range(1, MOST_PAGES + 1):
            asked = urllib.parse.urlencode({**query, "per_page": PAGE, "page": page})
            found = self.send("GET", f"{path}?{asked}")
            items = found
            if key:
                items = found.get(key) if isinstance(found, Mapping) else None
            if not isinstance(items, list):
                raise GitHubError(f"{path}: expected a list")
            yield from (item for item in items if isinstance(item, Mapping))
            if len(items) < PAGE:
                return

    def send(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:
        """The JSON that answers a request at `path` under the repository, or under no one if it begins with "/"."""
        of = "" if path.startswith("/") else f"/repos/{urllib.parse.quote(self.repository)}/"
        address = f"{self.api.rstrip('/')}{of}{path}"
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(address, data=body, headers=HEADERS, method=method)
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        where = urllib.parse.urlsplit(address)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            raise GitHubError(f"{method} {where.path}: status {error.code}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise GitHubError(f"{method} {where.netloc}: {type(error).__name__}") from None
