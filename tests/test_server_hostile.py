"""Requests that mean harm, or are simply broken: none makes a fault of ours, none hangs, none is answered with a leak."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
from serving import Server, running

CANARY = "Zyxanderwick"
ID = "9ea68fd3-f953-42c1-9742-976c447fb463"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without workers: nothing of this gets as far as a job's work."""
    with running(tmp_path_factory.mktemp("hostile") / "home", "--workers", "0") as started:
        yield started


def sent(server: Server, raw: bytes, *, whole: bool) -> bytes:
    """What the server answers to these bytes, until it closes the connection. Half a request is hung up on."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        with suppress(ConnectionError):  # it may have heard enough
            connection.sendall(raw)
            if not whole:
                connection.shutdown(socket.SHUT_WR)
        parts = []
        with suppress(ConnectionError):
            while part := connection.recv(65_536):
                parts.append(part)
    return b"".join(parts)


def request(method: str, path: str, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [f"{method} {path} HTTP/1.1".encode("utf-8", "surrogateescape"), b"host: 127.0.0.1", b"connection: close"]
    lines += [b"content-length: %d" % len(body)] if body else []
    return b"\r\n".join([*lines, *headers, b"", body])


BODIES: list[bytes] = [
    b"", b"{", b"null", b"[]", b"1", b'"a"', b"{}", b"\xff\xfe", b"\0", b"{}" * 1_000, b"[" * 100_000, b'{"a":' * 50_000,
    b'{"audio_url": NaN}', b'{"audio_url": 1e999}', b'{"audio_url": ' + b"9" * 10_000 + b"}", b'{"audio_url": "\\ud800"}',
    b'{"audio_url": ["a"]}', b'{"audio_url": {"a": 1}}', b'{"audio_url": true}', b'{"audio_url": ""}', b'{"audio_url": " "}',
    b'{"audio_url": "' + b"a" * 100_000 + b'"}', b'{"audio_url": "a", "audio_url": 1}', b"\xef\xbb\xbf{}",
]  # fmt: skip
VALUES: list[object] = [
    None, True, 0, -1, 1.5, 10**30, "", CANARY, CANARY * 2_000, "\0", "\ud800", [], [None], [[]], [CANARY], {}, {CANARY: CANARY},
    {"a": {"a": {"a": [1]}}}, [{"from": 1, "to": None}], [{"from": [CANARY], "to": [CANARY]}], "../../etc/passwd", "' OR 1=1 --",
]  # fmt: skip
FIELD_NAMES = """
audio_url redact_pii redact_pii_policies redact_pii_sub redact_pii_audio redact_pii_audio_quality redact_pii_audio_options
redact_pii_return_unredacted redact_static_entities language_code multichannel speaker_labels audio_start_from audio_end_at
custom_spelling entity_detection webhook_url webhook_auth_header_name webhook_auth_header_value speech_models
speech_understanding speaker_options speakers_expected format_text
""".split()
PATHS = [
    "/", "//", "/v2", "/v2/", "/v2/transcript/", "/v2/transcript/..", "/v2/transcript/../../etc/passwd", "/v2/transcript/%2e%2e%2f",
    "/v2/transcript/%00", "/v2/transcript/\udcff", f"/v2/transcript/{'a' * 5_000}", f"/v2/transcript/{ID}%0d%0aset-cookie:a=b",
    f"/v2/transcript/{ID.upper()}", f"/v2/transcript/{{{ID}}}", f"/v2/transcript/urn:uuid:{ID}", f"/v2/transcript/{ID}/nothing",
    "/v2/redacted-audio/..%2foffrecord.db", "/v2/redacted-audio/../offrecord.db", f"/v2/redacted-audio/{ID}.mp3",
    f"/v2/redacted-audio/{ID}.mp3?expires=9999999999&signature=\udcff", f"/v2/redacted-audio/{ID}.mp3?expires=²&signature=a",
    f"/v2/redacted-audio/{ID}.mp3?expires=1&expires=2&signature=", "/v2/redacted-audio/secret?expires=1&signature=1",
    "/v2/transcript?limit=0", "/v2/transcript?limit=-1", "/v2/transcript?limit=1e3", "/v2/transcript?limit=²", "/v2/transcript?limit=" + "9" * 5_000,
    "/v2/transcript?status=nothing", "/v2/transcript?status=completed'--", "/v2/transcript?created_on=2024-13-01",
    "/v2/transcript?created_on=9999-12-31", "/v2/transcript?created_on=0001-01-01", "/v2/transcript?before_id=1", "/v2/transcript?after_id=\udcff",
    f"/v2/transcript?before_id={ID}&after_id={ID}", f"/v2/transcript/{ID}/word-search", f"/v2/transcript/{ID}/word-search?words={CANARY}",
    f"/v2/transcript/{ID}/srt?chars_per_caption=0", f"/v2/transcript/{ID}/srt?chars_per_caption=x", "/metrics/../v2", "/docs/../../x",
    "/openapi.json?x=" + "a" * 10_000, "http://169.254.169.254/", "*", "/v2/upload/x",
]  # fmt: skip
HEADERS: list[bytes] = [
    b"authorization: ", b"authorization: Bearer", b"authorization: \xff\xfe", b"authorization: " + b"a" * 20_000, b"host: evil.example",
    b"host: 127.0.0.1:x", b"host: [::1", b"host: ", b"origin: null", b"origin: http://[::1", b"origin: \xff", b"content-length: -1",
    b"content-length: 1e9", b"content-length: 99999999999999999999", b"transfer-encoding: gzip", b"transfer-encoding: chunked",
    b"content-length: 5\r\ncontent-length: 6", b"range: bytes=9-1", b"expect: 100-continue", b"upgrade: websocket", b"x: " + b"a" * 100_000,
    b"bad header", b": x", b"a" * 5_000 + b": x", b"x-forwarded-host: evil.example", b"content-type: application/xml", b"cookie: \0",
]  # fmt: skip
RAW: list[bytes] = [
    b"", b"\r\n", b"GET", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00", b"GET / HTTP/1.1\r\n", b"A" * 100_000, b"\0" * 1_000,
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"POST /v2/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    b"POST /v2/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n-5\r\nhello",
    b"POST /v2/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\nabc",
    b"POST /v2/transcript HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 10\r\n\r\n{",
]  # fmt: skip


def hostile() -> Iterator[tuple[bytes, bool]]:
    """Some 700 requests, and whether each is whole, so that an answer is due."""
    yield from ((raw, False) for raw in RAW)
    for body in BODIES:
        yield request("POST", "/v2/transcript", body), True
    for name in FIELD_NAMES:
        for value in VALUES:
            given = {"audio_url": "http://127.0.0.1/a.wav", "redact_pii": True, name: value}
            yield request("POST", "/v2/transcript", json.dumps(given).encode()), True
    for path in PATHS:
        for method in ("GET", "DELETE"):
            yield request(method, path), True
    for header in HEADERS:
        whole = not header.startswith((b"content-length", b"transfer-encoding"))
        yield request("GET", "/v2/transcript", b"", header), whole
        yield request("POST", "/v2/transcript", b'{"audio_url": "http://127.0.0.1/a"}', header), whole
    for method in ("PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "XYZZY", "get"):
        yield request(method, "/v2/transcript"), True


def test_no_hostile_request_is_a_fault_of_ours(own: Server) -> None:
    """Every one is answered below 500, in our shape where it is an error of a route, and the canary is not repeated."""
    count = 0
    for raw, whole in hostile():
        answer = sent(own, raw, whole=whole)
        assert answer or not whole, raw[:200]
        head, _, body = answer.partition(b"\r\n\r\n")
        status = head.partition(b"\r\n")[0].split(b" ")
        assert not answer or int(status[1]) < 500, raw[:200]
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if body and int(status[1]) >= 400 and b"application/json" in head and length:
            body = body[: int(length[1])]  # after it, the answer to what was left over of a broken request
            assert list(json.loads(body)) == ["error"], raw[:200]
            assert CANARY.encode() not in body
        count += 1
    assert count > 600
    assert own.get("/healthz")[0] == 200
    assert b"fault" not in own.log.read_bytes()
    assert CANARY.encode() not in own.log.read_bytes()


def test_clients_that_send_nothing_hold_up_nobody(own: Server) -> None:
    """Two hundred connections with half a request each; others are served."""
    held = [socket.create_connection(("127.0.0.1", own.port)) for _ in range(200)]
    for connection in held:
        connection.sendall(b"POST /v2/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 1000\r\n\r\nx")
    assert [own.get("/v2/transcript")[0] for _ in range(20)] == [200] * 20
    for connection in held:
        connection.close()


WHOLE = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
SLOW: dict[str, tuple[bytes, bytes]] = {
    "nothing": (b"", b""),
    "half a head": (b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n", b""),
    "half a second head": (WHOLE, b"GET /healthz HTTP/1.1\r\n"),
}


def test_connections_without_a_request_are_closed(own: Server) -> None:
    """Those on which no head comes, or only half of one; not one on which a recording comes as slowly."""
    head = b"POST /v2/upload HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 3\r\n\r\n"
    with ExitStack() as stack:

        def opened(first: bytes) -> socket.socket:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", own.port), timeout=60))
            connection.sendall(first)
            return connection

        upload = opened(head + b"a")
        slow = {name: (opened(first), second) for name, (first, second) in SLOW.items()}
        for connection, second in slow.values():
            if second:
                answer = b""
                while not answer.endswith(b'"ok"}'):
                    answer += connection.recv(65_536)
                connection.sendall(second)
        upload.sendall(b"b")
        for name, (connection, _) in slow.items():
            assert connection.recv(65_536) == b"", name
        upload.sendall(b"c")
        assert upload.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/v2/transcript", "/v2/nothing", "/v2/upload"])
def test_every_error_has_one_shape(own: Server, path: str) -> None:
    """`{"error": "…"}`, and nothing else, for what no route takes as well."""
    status, body = own.json("PATCH", path)
    assert status in (404, 405)
    assert list(body) == ["error"]
