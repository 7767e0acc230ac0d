"""A real Chromium against a real server on a real database, and the rules of accessibility asked in it."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from tests import pages

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}

expect.set_options(timeout=30_000)
"""How long something expected may take to come, ms: what is there is seen at once, and a busy machine is no fault."""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The Chromium that CHROMIUM names or PATH has; where a missing one matters (CI) it is a failure, not a skip."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say("There is no Chromium here: name one in CHROMIUM.")
    quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    return {**browser_type_launch_args, "executable_path": program, "args": quiet}


@pytest.fixture(scope="session")
def base_url(live_server: Any) -> str:
    """Where addresses without a server lead."""
    return str(live_server.url)


@pytest.fixture
def strict_page(page: Page) -> Iterator[Page]:
    """A page on which a fault of a script or a breach of the content policy fails the test in the end."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield page
    # A form sent back with its sentences is an answer, not a fault.
    assert not [said for said in complaints if "status of 422" not in said]


def enter(context: BrowserContext, base_url: str, user: User) -> None:
    """Sign this browser in as somebody who has just shown a passkey."""
    client = Client(headers={"User-Agent": "Chrome on Linux"})
    pages.sign_in(client, user)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": base_url}])


@pytest.fixture(scope="session")
def axe() -> Axe:
    return Axe()


@pytest.fixture
def assert_accessible(axe: Axe) -> Callable[[Page], None]:
    """Fails with every rule of axe the page breaks, in the theme it is shown in."""

    def check(page: Page) -> None:
        results = axe.run(page)
        broken = [
            f"{rule['id']}: {rule['help']}: {[node['target'] for node in rule['nodes']]}"
            for rule in results.response["violations"]
        ]
        assert not broken, "\n".join([page.url, *broken])

    return check
