"""The endpoint against a server on loopback that fails in every way it can."""

import json
import logging
import time

import pytest
from tests.curation.captions.fake_llm import completion, serve

from padstal.curation.captions.config import EndpointMerge
from padstal.curation.captions.endpoint import GIVE_UP_AFTER, Endpoint, EndpointError, key_from_environment
from padstal.curation.captions.prompt import SYSTEM, Pair

KEY = "sk-very-secret-0123456789"
PAIRS = [Pair(f"jazz {number}", f"piano {number}") for number in range(12)]
OVERLOADED = (503, {}, b"busy")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


def endpoint(url, key=KEY, **changes):
    waits = []
    values = {
        "kind": "endpoint", "base_url": url, "model": "m-2024", "key_variable": "LLM_KEY", "timeout_seconds": 5.0,
        "retries": 2, "backoff_seconds": 0.5, "concurrency": 3, "max_answer_tokens": 60, "on_error": "fail",
        "max_new_words": 1.0, "min_kept_words": 0.0,
    }  # fmt: skip
    return Endpoint(EndpointMerge(**(values | changes)), key, waits.append), waits


def both(generated, original):
    return f"{original}, {generated}"


def test_every_question_is_answered_once_at_temperature_0_with_the_key_in_its_header():
    with serve(both) as llm:
        asking, _ = endpoint(llm.url)
        answers = dict(asking.ask(PAIRS))
    assert answers == {pair: f"{pair.original}, {pair.generated}" for pair in PAIRS}
    assert llm.asked == len(PAIRS)
    assert set(llm.keys) == {f"Bearer {KEY}"}
    for body in llm.bodies:
        assert (body["model"], body["temperature"], body["max_tokens"]) == ("m-2024", 0, 60)
        assert body["messages"][0] == {"role": "system", "content": SYSTEM}


def test_no_more_requests_are_under_way_than_allowed():
    def slow(generated, original):
        time.sleep(0.03)
        return original

    with serve(slow) as llm:
        list(endpoint(llm.url, concurrency=2)[0].ask(PAIRS))
    assert llm.most_under_way == 2


def test_a_server_without_a_key_gets_none():
    with serve(both) as llm:
        list(endpoint(llm.url, key="")[0].ask(PAIRS[:1]))
    assert llm.keys == [""]


@pytest.mark.parametrize(
    "fault",
    [
        (429, {}, b""),
        (500, {}, b"oops"),
        OVERLOADED,
        None,
        (200, {}, b"<html>a proxy's page</html>"),
        (200, {}, b'{"choices": []}'),
        (200, {}, b"[" * 100_000),
        (200, {"Content-Length": "1000"}, b"{"),
    ],
)
def test_passing_faults_are_tried_again_with_doubling_waits(fault):
    with serve(both, [fault, fault]) as llm:
        asking, waits = endpoint(llm.url)
        assert list(asking.ask(PAIRS[:1])) == [(PAIRS[0], "jazz 0, piano 0")]
    assert llm.asked == 3
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize(("asked", "waited"), [("7", 7.0), ("86400", 60.0), ("soon", 0.5), ("-3", 0.5), ("nan", 0.5)])
def test_a_server_may_ask_for_a_longer_wait_within_bounds(asked, waited):
    with serve(both, [(429, {"Retry-After": asked}, b"")]) as llm:
        asking, waits = endpoint(llm.url)
        list(asking.ask(PAIRS[:1]))
    assert waits == [waited]


def test_a_server_that_takes_too_long_is_left():
    def slow(generated, original):
        time.sleep(0.5)
        return original

    with serve(slow) as llm, pytest.raises(EndpointError, match=r"no answer within 0.1 s, 1 tries"):
        list(endpoint(llm.url, timeout_seconds=0.1, retries=0)[0].ask(PAIRS[:1]))


@pytest.mark.parametrize(
    ("status", "headers", "match"),
    [
        (401, {}, "credentials were refused; the key is in LLM_KEY"),
        (403, {}, "access was refused"),
        (404, {}, "no such model"),
        (302, {"Location": "http://127.0.0.1:1/"}, "sends elsewhere"),
    ],
)
@pytest.mark.parametrize("on_error", ["fail", "generated"])
def test_a_server_that_cannot_be_used_ends_it_at_once(status, headers, match, on_error):
    refusal = (status, headers, f"wrong key {KEY}".encode())
    with serve(both, [refusal] * 100) as llm:
        asking, waits = endpoint(llm.url, on_error=on_error, concurrency=1)
        with pytest.raises(EndpointError, match=match) as caught:
            list(asking.ask(PAIRS))
    assert llm.asked == 1
    assert waits == []
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("on_error", ["fail", "generated"])
def test_of_many_questions_under_way_the_refused_one_tells_why(on_error):
    with serve(both, [(401, {}, b"")] * 100) as llm:
        for _ in range(5):
            with pytest.raises(EndpointError, match="credentials were refused"):
                list(endpoint(llm.url, on_error=on_error, concurrency=8)[0].ask(PAIRS))


def test_a_dead_server_is_an_error_that_says_what_to_do():
    with serve(both) as llm:
        address = llm.url
    with pytest.raises(EndpointError, match=r"ConnectError, 3 tries.*on_error: generated"):
        list(endpoint(address)[0].ask(PAIRS))


def test_or_its_questions_stay_open_and_it_is_soon_left_alone():
    with serve(both, [OVERLOADED] * 1000) as llm:
        many = [Pair(f"jazz {number}", "piano") for number in range(200)]
        asking, _ = endpoint(llm.url, on_error="generated", retries=0, concurrency=2)
        assert dict(asking.ask(many)) == dict.fromkeys(many)
    assert GIVE_UP_AFTER <= llm.asked < len(many)


def test_one_question_that_is_refused_does_not_stop_the_others():
    with serve(both, [(400, {}, b"content filter")]) as llm:
        asking, waits = endpoint(llm.url, on_error="generated", concurrency=1)
        answers = dict(asking.ask(PAIRS))
    assert list(answers.values()).count(None) == 1
    assert (llm.asked, waits) == (len(PAIRS), [])


@pytest.mark.parametrize("reply", [None, 3, ["a"], {"text": "a"}])
def test_an_answer_without_text_is_empty(reply):
    with serve(lambda *_: reply) as llm:
        assert list(endpoint(llm.url)[0].ask(PAIRS[:1])) == [(PAIRS[0], "")]


def test_an_answer_that_was_cut_or_repeats_the_key_is_dropped():
    cut = (200, {}, completion("calm jazz with pia", finish="length"))
    with serve(lambda *_: f"your key is {KEY}", [cut]) as llm:
        asking, _ = endpoint(llm.url, concurrency=1)
        assert [answer for _, answer in asking.ask(PAIRS[:2])] == ["", ""]


def test_the_key_is_in_no_text_that_the_endpoint_gives(caplog, monkeypatch, capfd):
    caplog.set_level(logging.DEBUG)
    with serve(both, [(500, {}, KEY.encode()), (401, {}, KEY.encode())]) as llm:
        asking, _ = endpoint(llm.url, concurrency=1)
        with pytest.raises(EndpointError) as caught:
            list(asking.ask(PAIRS))
    captured = capfd.readouterr()
    for text in (repr(asking), repr(caught.value), caplog.text, captured.out, captured.err):
        assert KEY not in text
    assert KEY not in json.dumps(llm.bodies)


def test_the_key_comes_from_the_environment_and_nowhere_else(monkeypatch):
    monkeypatch.setenv("LLM_KEY", f" {KEY}\n")
    assert key_from_environment("LLM_KEY") == KEY
    assert key_from_environment(None) == ""
    monkeypatch.setenv("LLM_KEY", "")
    with pytest.raises(EndpointError, match="LLM_KEY is not set"):
        key_from_environment("LLM_KEY")
    monkeypatch.setenv("LLM_KEY", "sk-é\x01")
    with pytest.raises(EndpointError, match="LLM_KEY") as caught:
        key_from_environment("LLM_KEY")
    assert "sk-" not in str(caught.value)
