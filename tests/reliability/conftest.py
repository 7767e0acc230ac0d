"""A mail server that can be told to misbehave, behind the settings of the application."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.reliability import smtp_stub


@pytest.fixture
def stub(settings: Any) -> Iterator[smtp_stub.Stub]:
    """The mail server that the application talks to in this test."""
    with smtp_stub.running() as (stub, port):
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        yield stub
