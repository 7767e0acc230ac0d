"""Default deny: a view that declares no door cannot be opened, and no view of ours lacks one."""

from types import ModuleType
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import get_resolver, path, reverse

from accounts.access import ALLAUTH_VIEWS, Door, public_page
from tests.guards.matrix import addresses

ADDRESSES = dict(addresses(get_resolver().url_patterns))


def test_every_view_of_ours_declares_one() -> None:
    unmarked = {name for name, pattern in ADDRESSES.items() if not hasattr(pattern.callback, "access")}
    ours = {name for name in unmarked if not ADDRESSES[name].callback.__module__.startswith("allauth.")}
    assert not ours


def test_a_clinics_door_names_a_permission_and_every_door_an_action_of_its_own() -> None:
    # A view may answer at several addresses by one door.
    views = {pattern.callback for pattern in ADDRESSES.values() if hasattr(pattern.callback, "access")}
    doors = [view.access for view in views]
    assert {door.kind for door in doors} <= {"clinic", "person", "patient", "public"}
    assert all((door.permission is not None) == (door.kind == "clinic") for door in doors)
    actions = [door.action for door in doors]
    assert len(actions) == len(set(actions))
    # The audit's column ends there.
    assert all(0 < len(action) <= 60 for action in actions)


def test_allauth_may_be_reached_only_where_it_is_needed() -> None:
    theirs = {name for name, pattern in ADDRESSES.items() if pattern.callback.__module__.startswith("allauth.")}
    assert theirs >= ALLAUTH_VIEWS
    assert theirs - ALLAUTH_VIEWS


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", sorted(name for name in ADDRESSES if name.startswith(("account_", "mfa_")) and name not in ALLAUTH_VIEWS)
)
def test_the_rest_of_allauth_is_not_there(client: Client, name: str) -> None:
    kwargs = {"account_confirm_email": {"key": "some-key"}}.get(name, {})
    for method in (client.get, client.post):
        assert method(reverse(name, kwargs=kwargs)).status_code == 404


def _reached(request: HttpRequest) -> HttpResponse:
    return HttpResponse("reached")


def _urls(*patterns: Any) -> ModuleType:
    """Addresses of a site with these views; the sign-in page stands in for what the shell links to."""
    urls = ModuleType("urls_of_the_test")
    sign_in = path("accounts/login/", public_page("stands in")(_reached), name="account_login")
    urls.urlpatterns = [*patterns, sign_in]  # type: ignore[attr-defined]
    urls.handler404 = "ldn_clinic.views.not_found"  # type: ignore[attr-defined]
    return urls


@pytest.mark.django_db
def test_a_view_without_a_door_is_refused_and_one_with_it_is_not(client: Client) -> None:
    urls = _urls(
        path("unmarked/", _reached, name="unmarked"),
        path("marked/", public_page("a page of the test")(_reached), name="marked"),
    )
    with override_settings(ROOT_URLCONF=urls):
        refused, reached = client.get("/unmarked/"), client.get("/marked/")
    assert (refused.status_code, reached.content) == (404, b"reached")
    assert b"reached" not in refused.content


@pytest.mark.django_db
def test_the_name_of_an_allauth_view_opens_no_view_of_ours(client: Client) -> None:
    with override_settings(ROOT_URLCONF=_urls(path("borrowed/", _reached, name="account_logout"))):
        assert client.get("/borrowed/").status_code == 404


def test_a_door_says_who_may_pass() -> None:
    door = ADDRESSES["desk:patient"].callback.access
    assert isinstance(door, Door)
    assert door.permission is not None
