"""The HTTP side of a W&B server on 127.0.0.1: GraphQL, file stream and storage; what it holds is in `wandb_state`."""

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from tests.operations.tracking.wandb_state import Wandb


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wandb: Wandb

    def do_POST(self) -> None:
        body = self._body()
        path = unquote(urlsplit(self.path).path)
        stream = re.fullmatch(r"/files/[^/]+/([^/]+)/([^/]+)/file_stream", path)
        if path == "/graphql":
            asked = json.loads(body)
            status, said = self.wandb.answer(asked["query"], asked.get("variables") or {})
            self._say(status, json.dumps(said).encode())
        elif stream:
            self.wandb.stream(stream[1], stream[2], json.loads(body))
            self._say(200, b'{"exitcode": null, "limits": {}}')
        else:
            self._say(404, b"{}")

    def do_PUT(self) -> None:
        body = self._body()
        self.wandb.put(unquote(urlsplit(self.path).path).removeprefix("/storage/"), body)
        self._say(200, b"")

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        content = self.wandb.get(path.removeprefix("/storage/")) if path.startswith("/storage/") else None
        self._say(404 if content is None else 200, content or b"")

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.wandb.told.append(body)
        return body

    def _say(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(wandb: Wandb) -> Iterator[Wandb]:
    """The server at `wandb.address`, until the block ends."""
    handler = type("Handler", (_Handler,), {"wandb": wandb})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    wandb.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield wandb
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
