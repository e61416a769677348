"""A small GitHub on 127.0.0.1: pull requests and comments; it notes what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "owner/padstal"
SHA = "5" * 40


@dataclass
class Forge:
    """What the server knows, the record that a run left, and every request as (method, path, Authorization)."""

    pulls: list[dict[str, Any]] = field(default_factory=lambda: [{"number": 7, "head": {"sha": SHA}}])
    artefact: bytes | None = None
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    status: int = 0
    api: str = ""


def comment(body: str, login: str = "github-actions[bot]", kind: str = "Bot", number: int = 1) -> dict[str, Any]:
    return {"id": number, "body": body, "user": {"login": login, "type": kind}}


@contextmanager
def served(forge: Forge) -> Iterator[Forge]:
    """`forge` behind an address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def do_PATCH(self) -> None:
            self._answer("PATCH")

        def log_message(self, *_: Any) -> None:
            pass

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            forge.asked.append((method, self.path, self.headers.get("Authorization", "")))
            status, content = _reply(forge, method, self.path, body)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        forge.api = f"http://127.0.0.1:{server.server_address[1]}"
        thread.start()
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()


def _reply(forge: Forge, method: str, address: str, body: bytes) -> tuple[int, bytes]:
    split = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(split.query).items()}
    path = split.path.removeprefix(f"/repos/{REPOSITORY}/")
    if forge.status:
        return forge.status, b"{}"
    if path == "pulls" and method == "POST":
        asked = json.loads(body)
        made = {"number": len(forge.pulls) + 1, "head": {"ref": asked["head"]}, **asked, "branch": asked["head"]}
        forge.pulls.append(made)
        return 201, json.dumps(made).encode()
    if path == "pulls" and query["state"] == "all":
        owner = REPOSITORY.partition("/")[0]
        found = [one for one in forge.pulls if f"{owner}:{one.get('branch')}" == query["head"]]
        return 200, json.dumps(found if query["page"] == "1" else []).encode()
    if path == "pulls":
        assert query["state"] == "open"
        return 200, json.dumps(forge.pulls if query["head"] == "stranger:topic" else []).encode()
    if path == "issues/7/comments" and method == "GET":
        start = (int(query["page"]) - 1) * int(query["per_page"])
        return 200, json.dumps(forge.comments[start : start + int(query["per_page"])]).encode()
    if path == "issues/7/comments" and method == "POST":
        forge.comments.append(comment(json.loads(body)["body"], number=len(forge.comments) + 1))
        return 201, b"{}"
    if path.startswith("issues/comments/") and method == "PATCH":
        [found] = [one for one in forge.comments if str(one["id"]) == path.rpartition("/")[2]]
        found["body"] = json.loads(body)["body"]
        return 200, b"{}"
    return 404, b"{}"
