"""S28: what the real server says to requests that no browser of ours would send."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from launch.places import ROOT
from tests.security import server_process
from tests.security.server_process import ask, raw

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
TALKS = re.compile(r"Traceback|DEBUG|site-packages|urlpatterns|Exception Type|/manage\.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def port(django_db_setup: None, folder: Path) -> Iterator[int]:
    with server_process.running(folder) as port:
        yield port


@pytest.fixture(scope="module")
def behind_https(django_db_setup: None, folder: Path) -> Iterator[int]:
    told = {"CLINIC_BASE_URL": "https://clinic.example", "ALLOWED_HOSTS": "clinic.example,localhost"}
    with server_process.running(folder, CLINIC_PROXIES="1", **told) as port:
        yield port


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND", "DEBUG", "NONSENSE"])
@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/static/css/base.css", "/healthz/live"])
def test_no_other_method_is_answered_or_echoed(port: int, method: str, path: str) -> None:
    answer: Any = ask(port, method, path, X_Secret="echo-me")
    assert answer.status in (400, 403, 405, 501)
    assert "echo-me" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static",
        "/static/css/",
        "/static/js",
        "/.git/HEAD",
        "/static/.git/HEAD",
        "/.env",
        "/manage.py",
        "/static/../manage.py",
        "/static/%2e%2e/manage.py",
        "/static/..%2fmanage.py",
        "/static/%2e%2e%2f%2e%2e%2fetc/passwd",
        "//etc/passwd",
        "/static//etc/passwd",
        "/static/css/base.css%00.html",
        "/static/staticfiles.json.bak",
        "/admin/",
        "/server-status",
        "/__debug__/",
    ],
)
def test_no_folder_is_listed_and_nothing_outside_is_served(port: int, path: str) -> None:
    answer: Any = ask(port, "GET", path)
    assert answer.status in (301, 400, 404), answer.text[:200]
    assert not TALKS.search(answer.text)
    assert "root:" not in answer.text


def test_a_static_file_is_served(port: int) -> None:
    assert ask(port, "GET", "/static/css/base.css").status == 200


@pytest.mark.parametrize("host", ["evil.invalid", "localhost.evil.invalid", "", "localhost:80@evil.invalid", "a b"])
def test_another_host_is_refused_and_told_nothing(port: int, host: str) -> None:
    answer: Any = ask(port, "GET", "/", Host=host)
    assert answer.status == 400
    assert not TALKS.search(answer.text)
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "header", ["X_Forwarded_Host", "X_Forwarded_Server", "Forwarded", "X_Original_URL", "X_Rewrite_URL"]
)
def test_no_other_header_names_the_host_or_the_page(port: int, header: str) -> None:
    answer: Any = ask(port, "GET", "/patients/", **{header: "evil.invalid"})
    assert answer.status == 302
    assert answer.headers["Location"].startswith("/accounts/login/")
    assert "evil" not in str(answer.headers)


def test_without_a_declared_proxy_nobody_can_claim_https(port: int) -> None:
    answer: Any = ask(port, "GET", "/accounts/login/", X_Forwarded_Proto="https", X_Forwarded_For="198.51.100.1")
    assert answer.status == 200
    assert "Strict-Transport-Security" not in answer.headers


@pytest.mark.parametrize(
    "words",
    [
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Length: 9\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length : 4\r\n\r\nabcd",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.invalid\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
        b"GET http://evil.invalid/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(150)) + b"\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00",
    ],
    ids=lambda words: words[:60].decode("latin-1").replace("\r\n", " "),
)
def test_two_ways_to_read_a_request_are_none(port: int, words: bytes) -> None:
    """One refusal and a closed line: nothing that follows is taken for a second request."""
    said = raw(port, words)
    assert said.count(b"HTTP/1.") <= 1
    status = said.split(b" ")[1:2]
    assert not status or status[0][:1] in (b"4", b"5") or (status == [b"302"] and b"evil" not in said)
    assert not TALKS.search(said.decode("latin-1"))


def test_a_fault_names_a_number_and_nothing_else(port: int) -> None:
    answer: Any = ask(port, "GET", "/nowhere/at/all")
    assert answer.status == 404
    assert not TALKS.search(answer.text)


def test_behind_https_plain_http_is_sent_on_and_every_answer_is_strict(behind_https: int) -> None:
    plain = ask(behind_https, "GET", "/accounts/login/", Host="clinic.example", X_Forwarded_For="198.51.100.1")
    assert (plain.status, plain.headers["Location"]) == (301, "https://clinic.example/accounts/login/")
    assert "default-src 'none'" in plain.headers["Content-Security-Policy"]
    came = {"Host": "clinic.example", "X_Forwarded_Proto": "https", "X_Forwarded_For": "198.51.100.1"}
    secure = ask(behind_https, "GET", "/accounts/login/", **came)
    assert secure.status == 200
    assert secure.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    for cookie in secure.headers.get_all("Set-Cookie"):
        assert cookie.startswith("__Host-"), cookie
        assert all(word in cookie for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax")), cookie
        assert "Domain" not in cookie


def test_no_settings_of_ours_turn_debugging_on() -> None:
    assert "DEBUG = False" in (ROOT / "ldn_clinic" / "settings.py").read_text()
