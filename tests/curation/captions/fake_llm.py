"""A language model behind HTTP on loopback that obeys whatever a caption tells it, and can be made to fail."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = tuple[int, dict[str, str], bytes]
"""Status, headers, body."""


@dataclass
class FakeLlm:
    """What it was asked and how it answers.

    Attributes:
        answer: Generated and original caption, as the prompt quotes them, to a text.
        faults: Replies that come first, one a request; `None` closes the connection without one.
    """

    answer: Callable[[str, str], Any]
    faults: list[Reply | None] = field(default_factory=list)
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    under_way: int = 0
    most_under_way: int = 0

    @property
    def asked(self) -> int:
        return len(self.bodies)


def completion(text: Any, finish: str = "stop") -> bytes:
    return json.dumps(
        {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]}
    ).encode()


def quoted_in(prompt: str) -> tuple[str, str]:
    """Generated and original caption of a prompt: exactly two JSON strings stand in it."""
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', prompt)
    assert len(strings) == 2, prompt
    return json.loads(strings[0]), json.loads(strings[1])


@contextmanager
def serve(answer: Callable[[str, str], Any], faults: list[Reply | None] | None = None) -> Iterator[FakeLlm]:
    """The model at `url` until the block ends."""
    llm = FakeLlm(answer, list(faults or []))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with llm.lock:
                llm.bodies.append(body)
                llm.keys.append(self.headers.get("Authorization", ""))
                llm.under_way += 1
                llm.most_under_way = max(llm.most_under_way, llm.under_way)
                fault: Any = llm.faults.pop(0) if llm.faults else "none"
            try:
                if fault is None:
                    with llm.lock:
                        llm.under_way -= 1
                    self.connection.close()
                    return
                status, headers, content = fault if fault != "none" else (200, {}, self._answer(body))
                with llm.lock:
                    llm.under_way -= 1  # before the client can know, and ask again
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
            except OSError:  # the client has gone
                pass

        def _answer(self, body: dict[str, Any]) -> bytes:
            assert self.path == "/v1/chat/completions"
            return completion(llm.answer(*quoted_in(body["messages"][-1]["content"])))

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    llm.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield llm
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
