"""What the probes share: a clinic on this machine, a demo persona signed in, and the places where it takes input.

A probe attacks, so it refuses every host but this machine's own and signs in by the demonstration's one click alone.
"""

import http.cookiejar
import ipaddress
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

TOKEN = "csrfmiddlewaretoken"  # noqa: S105  the name of a field
MOST_PAGES = 60
ENDS_THE_SESSION = ("/accounts/logout/", "/accounts/sessions/", "/p/leave/", "/demo/")


class NotHere(Exception):
    """The address is not on this machine, or no demonstration answers there."""


@dataclass(frozen=True)
class Target:
    """One place that takes input: where, on which page its form stands, and what the form sends."""

    address: str
    page: str
    fields: tuple[tuple[str, str], ...]
    by_post: bool

    @property
    def data(self) -> str:
        return urlencode(list(dict(self.fields).items()))


@dataclass
class Visitor:
    """A browser of the probe's, signed in as a demo persona."""

    base: str
    cookies: http.cookiejar.CookieJar = field(default_factory=http.cookiejar.CookieJar)

    def __post_init__(self) -> None:
        check_loopback(self.base)
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def sign_in(self, persona: str) -> None:
        """By the one click of the demonstration; `NotHere` where there is none."""
        page = self.read("/demo/")
        token = next((value for form in page.forms for name, value in form.fields if name == TOKEN), "")
        data = urlencode({TOKEN: token, "username": f"{persona}@demo.invalid"}).encode()
        try:
            self._open("/demo/sign-in", data)
        except urllib.error.HTTPError as error:
            raise NotHere(f"Nobody called {persona} can be signed in at {self.base} ({error.code}).") from error

    def read(self, address: str) -> "Page":
        try:
            body, where = self._open(address)
        except (urllib.error.URLError, OSError) as error:
            raise NotHere(f"{urljoin(self.base, address)} does not answer ({type(error).__name__}).") from error
        page = Page(where)
        page.feed(body)
        return page

    def cookie(self) -> str:
        return "; ".join(f"{one.name}={one.value}" for one in self.cookies)

    def targets(self) -> list[Target]:
        """Every form, and every address with a question, that can be reached by links from the first page."""
        waiting, seen, found = ["/"], {"/"}, {}
        while waiting and len(seen) <= MOST_PAGES:
            try:
                page = self.read(waiting.pop(0))
            except NotHere:
                continue
            for target in page.targets():
                found.setdefault((urlsplit(target.address).path, target.by_post, len(target.fields)), target)
            for link in page.paths():
                if link not in seen and not link.startswith((*ENDS_THE_SESSION, "/static/")):
                    seen.add(link)
                    waiting.append(link)
        return list(found.values())

    def _open(self, address: str, data: bytes | None = None) -> tuple[str, str]:
        url = urljoin(self.base, address)
        check_loopback(url)
        request = urllib.request.Request(url, data, {"Referer": self.base})  # noqa: S310  loopback was just checked
        with self._opener.open(request, timeout=30) as answer:
            return answer.read().decode("utf-8", "replace"), answer.url


@dataclass
class _Form:
    address: str
    by_post: bool
    fields: list[tuple[str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """The links and forms of a page."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.links, self.forms = url, [], []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        if tag == "a" and said.get("href"):
            self.links.append(urljoin(self.url, said["href"]))
        elif tag == "form":
            self.forms.append(
                _Form(urljoin(self.url, said.get("action", "")), said.get("method", "").lower() == "post")
            )
        elif tag in ("input", "textarea", "select", "button") and said.get("name") and self.forms:
            self.forms[-1].fields.append((said["name"], said.get("value") or "1"))

    def paths(self) -> Iterator[str]:
        here = urlsplit(self.url).netloc
        for link in self.links:
            parts = urlsplit(link)
            if parts.netloc == here:
                yield parts.path

    def targets(self) -> Iterator[Target]:
        for form in self.forms:
            asks = form.by_post or any(name != TOKEN for name, _ in form.fields)
            if form.fields and asks and not urlsplit(form.address).path.startswith(ENDS_THE_SESSION):
                yield Target(form.address, self.url, tuple(form.fields), form.by_post)
        for link in self.links:
            if urlsplit(link).query and urlsplit(link).netloc == urlsplit(self.url).netloc:
                yield Target(link, self.url, (), by_post=False)


def check_loopback(url: str) -> None:
    """Raise `NotHere` unless the address is this machine's own."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if parts.scheme != "http" or not here:
        raise NotHere(f"A probe attacks this machine's own clinic only, by http; {url} is elsewhere.")
