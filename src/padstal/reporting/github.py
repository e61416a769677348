"""GitHub's REST interface, as far as one comment that is kept up to date needs it. Standard library alone."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

TIMEOUT_SECONDS = 30
LARGEST_ANSWER = 8 * 2**20
MOST_PAGES = 30
PAGE = 100


class GitHubError(RuntimeError):
    """GitHub refused, or answered with what it should not; the message holds no text from outside."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the token is for GitHub and must not travel to where an artefact is stored."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True)
class GitHub:
    """One repository behind GitHub's REST interface.

    Attributes:
        api: Its address, e.g. the value of GITHUB_API_URL.
        repository: "owner/name".
        token: Sent to `api` and nowhere else.
    """

    api: str
    repository: str
    token: str

    def get(self, path: str, **query: str | int) -> Any:
        """The JSON at `path` under the repository.

        Raises:
            GitHubError: Whatever went wrong.
        """
        return _json(self._send("GET", self._address(path, query))[1])

    def ask(self, path: str) -> Any:
        """The JSON at `path` under the interface's address, of no repository.

        Raises:
            GitHubError: Whatever went wrong.
        """
        return _json(self._send("GET", f"{self.api}/{path}")[1])

    def pages(self, path: str, key: str = "", **query: str | int) -> Iterator[Mapping[str, Any]]:
        """Items of a list, page by page; `key` names the list if it lies in an object."""
        for page in range(1, MOST_PAGES + 1):
            found = self.get(path, **query, per_page=PAGE, page=page)
            items = found.get(key) if key and isinstance(found, Mapping) else found
            if not isinstance(items, list):
                raise GitHubError(f"{path}: expected a list")
            yield from (item for item in items if isinstance(item, Mapping))
            if len(items) < PAGE:
                return

    def send(self, method: str, path: str, content: Mapping[str, Any]) -> Any:
        """Send JSON with POST or PATCH; the answer's JSON."""
        return _json(self._send(method, self._address(path, {}), json.dumps(content).encode())[1])

    def download(self, path: str, longest: int) -> bytes:
        """A file that GitHub keeps elsewhere: its address is asked for with the token and fetched without it.

        Raises:
            GitHubError: It has more than `longest` bytes, or cannot be fetched.
        """
        status, content, headers = self._ask("GET", self._address(path, {}), None, longest, with_token=True)
        if status not in (301, 302, 303, 307, 308):
            return content
        address = str(headers.get("Location", ""))
        if urllib.parse.urlsplit(address).scheme not in ("https", urllib.parse.urlsplit(self.api).scheme):
            raise GitHubError(f"{path}: sent on to an address that is not https")
        status, content, _ = self._ask("GET", address, None, longest, with_token=False)
        if status != 200:
            raise GitHubError(f"{path}: status {status}")
        return content

    def _address(self, path: str, query: Mapping[str, str | int]) -> str:
        end = f"?{urllib.parse.urlencode(query)}" if query else ""
        return f"{self.api.rstrip('/')}/repos/{urllib.parse.quote(self.repository)}/{path}{end}"

    def _send(self, method: str, address: str, body: bytes | None = None) -> tuple[int, bytes]:
        status, content, _ = self._ask(method, address, body, LARGEST_ANSWER, with_token=True)
        if not 200 <= status < 300:
            raise GitHubError(f"{method} {urllib.parse.urlsplit(address).path}: status {status}")
        return status, content

    def _ask(
        self, method: str, address: str, body: bytes | None, longest: int, *, with_token: bool
    ) -> tuple[int, bytes, Mapping[str, str]]:
        headers = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
            "User-Agent": "padstal",
        }
        if with_token:
            headers["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(address, data=body, headers=headers, method=method)
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=TIMEOUT_SECONDS) as answer:
                content = answer.read(longest + 1)
                status, told = answer.status, answer.headers
        except urllib.error.HTTPError as error:
            with error:
                content, status, told = b"", error.code, error.headers
        except (OSError, ValueError) as error:
            where = urllib.parse.urlsplit(address)
            raise GitHubError(f"{method} {where.netloc}: {type(error).__name__}") from None
        if len(content) > longest:
            raise GitHubError(f"the answer has more than {longest} bytes")
        return status, content, told


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise GitHubError("the answer is no JSON") from None
