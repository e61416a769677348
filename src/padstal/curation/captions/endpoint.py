"""A language model behind HTTP: any server that speaks OpenAI's chat completions.

Bounded: tries, waiting, requests under way. The key is in one header
and nowhere else: not in messages, records or logs; an answer that repeats it is dropped. Redirects are not followed.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from padstal.core.progress import Progress, silent
from padstal.curation.captions.config import EndpointMerge
from padstal.curation.captions.prompt import Pair, messages

if TYPE_CHECKING:
    import httpx

LONGEST_WAIT = 60.0
"""Seconds between two tries, whatever a server asks for."""
GIVE_UP_AFTER = 8
"""Questions in a row without an answer after which a server counts as dead."""
FATAL = {401: "credentials were refused", 403: "access was refused", 404: "there is no such model or address"}


class EndpointError(RuntimeError):
    """The server cannot be used; the message says why, and never holds the key."""


class _NoAnswerError(Exception):
    """One question was not answered, however often it was asked."""


class _NotAskedError(_NoAnswerError):
    """One question was not asked, as the server cannot be used; another question's error says why."""


@dataclass(frozen=True)
class Endpoint:
    """A server, and how it is asked.

    Attributes:
        how: Address, model, limits of time and tries, as in params.
        key: The key; "" for a server that wants none.
        sleep: Waits so many seconds.
    """

    how: EndpointMerge
    key: str = field(repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def ask(self, pairs: list[Pair], progress: Progress = silent) -> Iterator[tuple[Pair, str | None]]:
        """Answers as they arrive; `None` for a question without one, if `on_error` allows it.

        Raises:
            EndpointError: The server refuses the key, lacks the model, or `on_error` is "fail" and it does not answer.
        """
        import httpx

        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        limits = httpx.Limits(max_connections=self.how.concurrency)
        failures, stop = 0, threading.Event()
        with (
            httpx.Client(headers=headers, timeout=self.how.timeout_seconds, limits=limits) as client,
            ThreadPoolExecutor(self.how.concurrency, thread_name_prefix="merge") as pool,
        ):
            asked: dict[Future[str], Pair] = {pool.submit(self._answer, client, pair, stop): pair for pair in pairs}
            try:
                for future in progress(as_completed(asked), total=len(pairs), unit="merge"):
                    try:
                        answer = future.result()
                    except _NoAnswerError as error:
                        if self.how.on_error == "fail" and not isinstance(error, _NotAskedError):
                            raise EndpointError(
                                f"{self.how.base_url} did not answer ({error}, {self.how.retries + 1} tries). Answers "
                                "so far are kept: run again when it does, or set merge.on_error: generated"
                            ) from None
                        failures += 1
                        if failures == GIVE_UP_AFTER:
                            stop.set()
                        yield asked[future], None
                    else:
                        failures = 0
                        yield asked[future], answer
            finally:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, client: "httpx.Client", pair: Pair, stop: threading.Event) -> str:
        """The answer to one question; "" where the server answers with no text. Once `stop` is set, none is asked.

        Raises:
            EndpointError: No question can be answered.
            _NoAnswerError: This one was not.
        """
        import httpx

        body = {
            "model": self.how.model,
            "messages": messages(pair),
            "temperature": 0,
            "max_tokens": self.how.max_answer_tokens,
        }
        why = ""
        for attempt in range(self.how.retries + 1):
            wait = self.how.backoff_seconds * 2**attempt
            if stop.is_set():
                raise _NotAskedError
            try:
                reply = client.post(f"{self.how.base_url}/chat/completions", json=body)
            except httpx.TimeoutException:
                why = f"no answer within {self.how.timeout_seconds:g} s"
            except httpx.HTTPError as error:  # its message may hold anything
                why = type(error).__name__
            else:
                status = reply.status_code
                if status == 200:
                    answer = self._text(reply.content)
                    if answer is not None:
                        return answer
                    why = "its answer is no chat completion"
                elif status in FATAL or 300 <= status < 400:
                    stop.set()
                    raise EndpointError(self._fatal(status))
                else:
                    why = f"status {status}"
                    if status not in (408, 425, 429) and status < 500:
                        break
                    wait = max(wait, _seconds(reply.headers.get("retry-after", "")))
            if attempt < self.how.retries:
                self.sleep(min(wait, LONGEST_WAIT))
        raise _NoAnswerError(why)

    def _text(self, reply: bytes) -> str | None:
        """The text of a chat completion; "" where it has none, was cut, or repeats the key; `None` if it is no such."""
        try:
            choice = json.loads(reply)["choices"][0]
            content, reason = choice["message"].get("content"), choice.get("finish_reason")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            return None
        if not isinstance(content, str) or reason == "length" or (self.key and self.key in content):
            return ""
        return content.encode("utf-8", errors="replace").decode("utf-8")

    def _fatal(self, status: int) -> str:
        what = FATAL.get(status, "it sends elsewhere; give the address that answers itself")
        key = f"; the key is in {self.how.key_variable}" if self.how.key_variable and status in (401, 403) else ""
        return f"{self.how.base_url} answered {status} for model {self.how.model!r}: {what}{key}"


def key_from_environment(variable: str | None) -> str:
    """The key in an environment variable; "" if no variable is named.

    Raises:
        EndpointError: The variable is empty, or holds what a header cannot.
    """
    if variable is None:
        return ""
    key = os.environ.get(variable, "").strip()
    if not key:
        raise EndpointError(f"{variable} is not set: it must hold the key of the language model that merges captions")
    if not (key.isascii() and key.isprintable()):
        raise EndpointError(f"{variable} holds characters that no key has; set it again")
    return key


def _seconds(text: str) -> float:
    """A Retry-After header in seconds; 0 for a date or anything else."""
    try:
        return max(0.0, float(text)) if len(text) < 10 else 0.0
    except ValueError:
        return 0.0
