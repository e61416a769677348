"""`caption`'s params: an address or a key that would leak is refused, without being repeated."""

import pytest

from padstal.core.params import ParamsError, check
from padstal.curation.captions.config import EndpointMerge, Text2TextMerge

ENDPOINT = {
    "kind": "endpoint", "base_url": "https://llm.example/v1/", "model": "m", "key_variable": "LLM_KEY",
    "timeout_seconds": 5, "retries": 0, "backoff_seconds": 0, "concurrency": 2, "on_error": "fail",
    "max_new_words": 0.5, "min_kept_words": 0.1, "max_answer_tokens": 60,
}  # fmt: skip


def endpoint(**changes):
    return check(EndpointMerge, ENDPOINT | changes, "merge")


def test_an_address_loses_its_last_stroke_and_http_is_for_this_machine():
    assert endpoint().base_url == "https://llm.example/v1"
    assert endpoint(base_url="http://127.0.0.1:8000/v1").base_url == "http://127.0.0.1:8000/v1"
    assert endpoint(base_url="http://localhost/v1", key_variable=None).key_variable is None


@pytest.mark.parametrize(
    "address",
    [
        "http://llm.example/v1",
        "https://user:hunter2@llm.example/v1",
        "https://llm.example/v1?key=hunter2",
        "ftp://llm.example/hunter2",
        "file:///etc/hunter2",
        "llm.example/hunter2",
        "https://[hunter2",
        "",
    ],
)
def test_an_address_that_is_none_or_shows_a_secret_is_refused_without_being_repeated(address):
    with pytest.raises(ParamsError, match=r"^merge\.base_url: expected") as caught:
        endpoint(base_url=address)
    assert "hunter2" not in str(caught.value)


def test_a_key_in_place_of_its_variable_is_refused_without_being_repeated():
    for key in ("sk-hunter2", "hunter2", "A B"):
        with pytest.raises(ParamsError, match="never the key itself") as caught:
            endpoint(key_variable=key)
        assert key not in str(caught.value).replace("key itself", "")


@pytest.mark.parametrize(
    ("names", "match"),
    [
        (["config.json", "pytorch_model.bin"], "safetensors"),
        (["model.safetensors"], "config.json"),
        (["config.json", "model.safetensors", "modeling.py"], r"modeling\.py"),
        (["config.json", "model.safetensors", "training_args.bin"], r"training_args\.bin"),
    ],
)
def test_a_local_model_is_config_and_safetensors_and_no_code(names, match):
    merge = {
        "kind": "text2text", "batch_pairs": 1, "max_new_words": 0.5, "min_kept_words": 0.1, "max_answer_tokens": 60,
        "weights": {"repository": "owner/name", "revision": "unverified", "sha256": dict.fromkeys(names, "0" * 64)},
    }  # fmt: skip
    with pytest.raises(ParamsError, match=match):
        check(Text2TextMerge, merge, "merge")
