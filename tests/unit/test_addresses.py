"""Where a request comes from: only addresses count, and no client has more than one to be counted under."""

from typing import Any

import pytest
from django.core.exceptions import SuspiciousOperation
from django.test import RequestFactory

from accounts import addresses

PROXY = "192.0.2.1"


def coming(forwarded: str | None = None, remote: str = PROXY) -> Any:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return RequestFactory().get("/", REMOTE_ADDR=remote, **headers)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("fe80::7%eth0", "fe80::7"),
        ("unknown", PROXY),
        ("198.51.100.7:4711", PROXY),
        ("198.51.100.007", PROXY),
        ("a" * 500, PROXY),
        ("198.51.100.7, <script>", PROXY),
    ],
)
def test_what_is_no_address_is_not_believed(settings: Any, forwarded: str, address: str) -> None:
    settings.TRUSTED_PROXIES = 1
    assert addresses.client_address(coming(forwarded)) == address


@pytest.mark.parametrize("remote", ["", "unix:", "not an address"])
def test_without_any_address_nobody_is_named(settings: Any, remote: str) -> None:
    settings.TRUSTED_PROXIES = 0
    request = coming(remote=remote)
    assert addresses.client_address(request) == addresses.UNKNOWN
    assert addresses.remembered_address(request) is None


def test_past_the_proxies_there_is_none(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 2
    request = coming("198.51.100.7")
    with pytest.raises(SuspiciousOperation):
        addresses.client_address(request)
    assert addresses.remembered_address(request) is None


@pytest.mark.parametrize(
    ("remote", "counted"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2::7", "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::"),
        ("2001:db8:1:3::7", "2001:db8:1:3::"),
    ],
)
def test_tries_are_counted_by_the_network_of_one_client(settings: Any, remote: str, counted: str) -> None:
    settings.TRUSTED_PROXIES = 0
    assert addresses.counted_address(coming(remote=remote)) == counted
    assert addresses.remembered_address(coming(remote=remote)) == remote


def test_that_is_what_the_lockout_asks(settings: Any) -> None:
    assert settings.AXES_CLIENT_IP_CALLABLE == "accounts.addresses.counted_address"
