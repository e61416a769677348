"""A listing holds every object once, in one order, whatever the pages; a manifest says what is wanted."""

import json

import pytest
from tests.ingest.s3.s3_server import S3Server

from padstal.ingest.config import S3Source
from padstal.ingest.listing import scan
from padstal.ingest.s3.errors import StoreError
from padstal.ingest.s3.objects import Listing, client_of, list_objects, reach

FETCH = {"connections": 4, "attempts": 3, "timeout_seconds": 1.0, "max_failed_share": 0.0}


def _list(server: S3Server, **more) -> Listing:
    source = _source(server, **more)
    return list_objects(source, client_of(source))


def _source(server: S3Server, **more) -> S3Source:
    return S3Source(kind="s3", uri="s3://music/p", endpoint_url=server.url, fetch=FETCH, **more)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://b", ("b", "")),
        ("s3://b/", ("b", "")),
        ("s3://b/p", ("b", "p/")),
        ("s3://b/p/q/", ("b", "p/q/")),
        ("s3://b/a?b#c", ("b", "a?b#c/")),
    ],
)
def test_a_prefix_is_a_folder(uri, expected):
    source = S3Source(kind="s3", uri=uri, name="music")
    assert (source.bucket, source.prefix) == expected


@pytest.mark.parametrize("uri", ["b/p", "http://b/p", "s3:///p", "s3://"])
def test_other_addresses_are_refused(uri):
    with pytest.raises(ValueError, match="uri"):
        S3Source(kind="s3", uri=uri)


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 21])
def test_every_object_is_listed_once_in_the_order_of_bytes(server, count):
    keys = [f"{chr(0x1F3B5) if i % 3 else 'é'}&<'\"%2F +{i}\n" for i in range(count)]
    for key in keys:
        server.put("music", f"p/{key}", key.encode())
    objects = _list(server).objects
    assert [item.key for item in objects] == sorted(keys, key=str.encode)
    assert [item.bytes for item in objects] == [len(item.key.encode()) for item in objects]
    assert server.count("ListObjectsV2") == max(1, -(-count // 7))


def test_a_manifest_asks_for_its_keys_alone_and_needs_no_right_to_list(server):
    for key in ("a.wav", "b.wav", "c.wav", "captions.csv"):
        server.put("music", f"p/{key}", b"123")
    good = "0" * 64
    rows = ["key,sha256,other", f"b.wav,{good.upper()},x", "a.wav,,", "gone.wav,,", "c.wav,abc,", "a.wav,,"]
    server.put("music", "p/w.csv", "\n".join(rows).encode("utf-8-sig"))
    server.fault("denied", operation="ListObjectsV2", times=10**6)
    found = _list(server, manifest="w.csv", captions="captions.csv")
    assert [(item.key, item.sha256) for item in found.objects] == [("a.wav", ""), ("b.wav", good), ("captions.csv", "")]
    assert set(found.failed) == {"gone.wav", "c.wav"}
    assert "not there" in found.failed["gone.wav"]
    assert "expected 64 hexadecimal digits" in found.failed["c.wav"]
    lines = "".join(json.dumps({"key": key}) + "\n" for key in ("b.wav", "a.wav"))
    server.put("music", "p/w.jsonl", lines.encode())
    assert [item.key for item in _list(server, manifest="w.jsonl").objects] == ["a.wav", "b.wav"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("w.csv", "key,sha256\na.wav,nan\nb.wav,None\n,\n"),
        ("w.csv", "Key,SHA-256\na.wav,-\nb.wav,\n"),
        ("w.csv", "key;sha256sum;size\na.wav;#NV;1\nb.wav;;1\n;;\n"),
        ("w.jsonl", '{"key": "a.wav", "sha256": NaN}\n{"KEY": "b.wav", "sha256": null}\n{}\n'),
    ],
)
def test_a_manifest_is_read_as_captions_tables_are(server, name, content):
    for key in ("a.wav", "b.wav"):
        server.put("music", f"p/{key}", b"123")
    server.put("music", f"p/{name}", content.encode())
    found = _list(server, manifest=name)
    assert [(item.key, item.sha256) for item in found.objects] == [("a.wav", ""), ("b.wav", "")]
    assert not found.failed


def test_rows_that_contradict_each_other_are_named(server):
    server.put("music", "p/a.wav", b"1")
    server.put("music", "p/w.csv", f"key,sha256\na.wav,{'0' * 64}\na.wav,{'1' * 64}\n".encode())
    found = _list(server, manifest="w.csv")
    assert found.objects == ()
    assert "another sha256" in found.failed["a.wav"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.csv", b"name\nx\n", "column `key`"),
        ("w.csv", b"\xff\xfe", "column `key`"),
        ("w.csv", None, "not there"),
        *(("w.jsonl", line, "column `key`") for line in (b'["a.wav"]', b'"a.wav"', b"7", b'{"name": "a.wav"}')),
    ],
)
def test_a_manifest_that_cannot_be_read_is_named(server, name, content, message):
    if content is not None:
        server.put("music", f"p/{name}", content)
    with pytest.raises(StoreError, match=rf"{name}.*{message}"):
        _list(server, manifest=name)


def test_a_scan_sees_what_changed_and_holds_neither_times_nor_secrets(server, tmp_path):
    server.put("music", "p/b.wav", b"b")
    server.put("music", "p/a\n\u0301.wav", b"a")
    first = scan([_source(server)], root=tmp_path)
    assert [entry["path"] for entry in first["sources"][0]["files"]] == ["a\n\u0301.wav", "b.wav"]
    assert set(first["sources"][0]["files"][0]) == {"path", "bytes", "etag"}
    assert "fetch" not in first["sources"][0]
    server.put("music", "p/b.wav", b"b")  # again, later
    assert scan([_source(server)], root=tmp_path) == first
    server.put("music", "p/b.wav", b"c")
    assert scan([_source(server)], root=tmp_path) != first
    text = json.dumps(first)
    assert server.access_key not in text
    assert server.secret_key not in text
    server.put("music", "p/w.csv", b"key\nb.wav\ngone.wav\n")
    [source] = scan([_source(server, manifest="w.csv", captions="captions.csv")], root=tmp_path)["sources"]
    assert [(entry["path"], entry["bytes"]) for entry in source["files"]] == [
        ("b.wav", 1),
        ("captions.csv", None),
        ("gone.wav", None),
    ]


def test_what_is_known_is_not_asked_for_again(server, tmp_path):
    listing = _list(server)
    asked = len(server.requests)
    scan([_source(server)], root=tmp_path, listed={"p": listing})
    assert len(server.requests) == asked


def test_how_we_are_known_is_said_and_not_who_we_are(server, monkeypatch):
    assert reach(_source(server)) == "env"
    with pytest.raises(StoreError, match="404"):
        reach(_source(server, manifest="wanted.csv"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match="SignatureDoesNotMatch"):
        reach(_source(server))
