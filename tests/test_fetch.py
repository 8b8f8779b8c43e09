"""Requests to addresses that clients name: only the internet, only media, only so much, only so long."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from serving import Answer, web

from offrecord.errors import InputError
from offrecord.fetch import Limits, Refused, can_be_asked, download, is_public, post

HERE = Limits(size=10_000, seconds=20, allowed=("127.0.0.1",))

PRIVATE = """
127.0.0.1 127.9.9.9 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1 100.64.0.1
192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1
::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 2002:7f00:1:: 2002:a9fe:a9fe:: 2001:0:4136:e378:8000:63bf:80ff:fffe
fec0::1 64:ff9b:1::7f00:1 ::ffff:0:127.0.0.1 100::1 3fff::1 4000::1 5f00::1 2001:2::1 2001:10::1 fe80::5efe:7f00:1
""".split()
PUBLIC = "1.1.1.1 8.8.8.8 44.238.19.20 2606:4700:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_that_are_not_the_internet(address: str) -> None:
    """Loopback, private, link-local, metadata, shared, reserved, multicast, and each of them wrapped in another."""
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_that_are(address: str) -> None:
    """The internet, also in the wrappings that lead there."""
    assert is_public(address)


HERE_TOO = "127.0.0.1 127.1 2130706433 0x7f000001 0177.0.0.1 localhost LOCALHOST 0 127.0.0.1.".split()
ELSEWHERE = (
    "[::1] [::ffff:127.0.0.1] 169.254.169.254 10.0.0.1 [fe80::1] [fd00:ec2::254] [64:ff9b::7f00:1] ①②⑦.⓪.⓪.①".split()
)


@pytest.mark.parametrize("host", HERE_TOO + ELSEWHERE)
def test_hosts_that_are_not_the_internet_are_never_asked(tmp_path: Path, host: str) -> None:
    """However they are written: what counts is the address that the name has. A server that listens hears nothing."""
    with web({"/": b"RIFF"}) as (url, seen):
        target = url.replace("127.0.0.1", host)
        with pytest.raises(
            Refused, match="not on the internet|No connection" if host[-1] == "." else "not on the internet"
        ):
            download(target, tmp_path / "a", Limits(1_000, 5))
        assert post(target, b"{}", header=None, seconds=5, allowed=()) is None
        assert seen == []
    assert not (tmp_path / "a").exists()


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """The machine's resolver, which gives these answers for names, one after the other; the names that it was asked."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: Any, port: Any, *args: Any, **given: Any) -> Any:
        if str(host)[-1].isdigit():
            return real(host, port, *args, **given)
        asked.append(str(host))
        return [row for address in answers[len(asked) - 1] for row in real(address, port, *args, **given)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_is_resolved_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was checked is what is connected to: a name that means another address a moment later is not asked again."""
    with web({"/": b"RIFF" * 9}) as (url, seen):
        asked = resolver(monkeypatch, ["127.0.0.1"], ["8.8.8.8"])
        named = url.replace("127.0.0.1", "recordings.example")
        download(named, tmp_path / "a", Limits(1_000, 5, ("recordings.example",)))
    assert asked == ["recordings.example"]
    assert seen[0].headers["host"] == named.removeprefix("http://")


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]])
def test_a_name_with_one_address_that_is_not_public_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    """Whichever of its addresses comes first; also where a redirect names it."""
    with web({"/": b"RIFF" * 9}) as (url, seen):
        named = url.replace("127.0.0.1", "trap.example")
        with web({"/": _redirect(named)}) as (first, _):
            resolver(monkeypatch, answer, answer, answer)
            for target in (named, first):
                with pytest.raises(Refused, match="not on the internet"):
                    download(target, tmp_path / "a", Limits(1_000, 5, (first.removeprefix("http://"),)))
            assert post(named, b"{}", header=None, seconds=5, allowed=()) is None
    assert seen == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://a/b", "gopher://a/b", "http:///x", "http://user:secret@127.0.0.1/", "http://a\r\nb/",
        "http://127.0.0.1:99999/", "http://[::1/", "//127.0.0.1/", "", "data:audio/wav,x", "http://127.0.0.1/ a",
        "http://127.0.0.1:1/\x00", "http://" + "a" * 300 + "/", "http://%31%32%37.0.0.1/",
    ],
)  # fmt: skip
def test_urls_that_cannot_be_asked_are_refused(tmp_path: Path, url: str) -> None:
    """Other schemes, names and passwords, line breaks, ports that cannot be."""
    with pytest.raises(InputError, match="Download error, unable to download"):
        download(url, tmp_path / "a", HERE)
    assert not (tmp_path / "a").exists()


def _redirect(to: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("location", to)
        handler.end_headers()

    return answer


def _typed(kind: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", kind)
        handler.end_headers()
        handler.wfile.write(b"<html>")

    return answer


def _huge(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", str(10 * 1024**3))
    handler.end_headers()
    handler.wfile.write(b"x")


def _endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(1_000):
        try:
            handler.wfile.write(b"x" * 1_000)
        except OSError:
            return


def _cut(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "5000")
    handler.end_headers()
    handler.wfile.write(b"x" * 100)


ANSWERS: dict[str, tuple[Answer | int, str]] = {
    "/metadata": (_redirect("http://169.254.169.254/latest/meta-data/"), "not on the internet"),
    "/loopback": (_redirect("http://localhost:1/a"), "not on the internet"),
    "/file": (_redirect("file:///etc/passwd"), "Only http and https"),
    "/circle": (_redirect("/circle"), "redirects more than 5 times"),
    "/nowhere": (_redirect(""), "redirects more than 5 times"),
    "/html": (_typed("text/html; charset=utf-8"), "File type is text/html"),
    "/json": (_typed("application/json"), "File type is application/json"),
    "/huge": (_huge, "larger than 10000 bytes"),
    "/endless": (_endless, "larger than 10000 bytes"),
    "/cut": (_cut, "The connection was cut"),
    "/missing": (404, "answered 404"),
    "/broken": (500, "answered 500"),
    "/empty": (204, "answered 204"),
}


@pytest.mark.parametrize("path", ANSWERS)
def test_answers_that_are_no_recording(tmp_path: Path, path: str) -> None:
    """Redirects to where nobody may go, bodies of other kinds, too large, endless, or cut off."""
    answers = {name: answer for name, (answer, _) in ANSWERS.items()}
    with web(answers) as (url, _), pytest.raises(Refused, match=ANSWERS[path][1]):
        download(f"{url}{path}?key=secret", tmp_path / "a", HERE)


def test_the_key_in_a_url_is_not_repeated(tmp_path: Path) -> None:
    """The text names the address without its query."""
    with web({}) as (url, _), pytest.raises(Refused) as raised:
        download(f"{url}/a.wav?key=secret#fragment", tmp_path / "a", HERE)
    assert f"unable to download {url}/a.wav. " in str(raised.value)


def test_redirects_are_followed(tmp_path: Path) -> None:
    """To another path, and to a whole URL; the recording arrives as it is."""
    with web({"/c.wav": b"RIFF" * 9, "/b": _redirect("/c.wav")}) as (url, seen):
        with web({"/a": _redirect(f"{url}/b")}) as (first, _):
            download(f"{first}/a", tmp_path / "a", HERE)
        assert (tmp_path / "a").read_bytes() == b"RIFF" * 9
        assert seen[0].headers["host"] == url.removeprefix("http://")


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes connections and then sends a byte a second, of headers that never end."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve() -> None:
            held: list[socket.socket] = []
            while not stop.wait(0.2):
                with suppress(TimeoutError):
                    held.append(listener.accept()[0])
                for connection in held:
                    try:
                        connection.sendall(b"H")
                    except OSError:
                        continue
            for connection in held:
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        finally:
            stop.set()
            thread.join()


def test_a_server_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """The deadline is of the whole request, not of each byte."""
    with silent() as url, pytest.raises(Refused, match=r"too long|was cut"):
        download(url, tmp_path / "a", Limits(1_000, 1, ("127.0.0.1",)))


def test_a_webhook_that_hangs_is_given_up() -> None:
    """None, and whoever waits goes on."""
    with silent() as url:
        assert post(url, b"{}", header=None, seconds=1, allowed=("127.0.0.1",)) is None


ODD = [
    "http://\u00ad/",
    "http://a/ b",
    "http://" + "a" * 64 + "/",
    "http://\u2100/",
    "https://\u3002x",
    "http://[v1.a]/",
    "http://a\\b",
]


@pytest.mark.parametrize("url", ODD)
def test_a_webhook_whose_name_can_be_none_is_no_fault(url: str) -> None:
    """None, as where nobody answers; and whoever names it is told so before."""
    assert post(url, b"{}", header=None, seconds=1, allowed=("127.0.0.1",)) is None
    assert can_be_asked("http://a/b?c") and (not can_be_asked(url) or "[v1" in url or "\\" in url)


def test_a_webhooks_answer_is_its_status() -> None:
    """Redirects are not followed; the body is not read; the header that was asked for is sent."""
    with web({"/a": 410, "/b": _redirect("http://169.254.169.254/")}) as (url, seen):
        assert post(f"{url}/a?x=1", b'{"a":1}', header=("X-Mine", "1"), seconds=5, allowed=("127.0.0.1",)) == 410
        assert post(f"{url}/b", b"{}", header=None, seconds=5, allowed=("127.0.0.1",)) == 302
    assert (seen[0].path, seen[0].body, seen[0].headers["x-mine"]) == ("/a?x=1", b'{"a":1}', "1")
    assert seen[0].headers["content-type"] == "application/json"
