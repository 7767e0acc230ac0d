"""Health is asked of the part itself: what is down is said to be down, and pages that do not need it still answer."""

from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from django.test import Client
from django.test.utils import override_settings

from common import clock
from launch import servers
from reminders.models import Heartbeat

pytestmark = pytest.mark.django_db


def checks(client: Client, address: str = "/healthz") -> tuple[int, dict[str, dict[str, object]]]:
    response = client.get(address)
    return response.status_code, response.json()["checks"]


@pytest.fixture
def everything_alive() -> None:
    now = clock.now()
    for name in Heartbeat.Name.values:
        Heartbeat.objects.update_or_create(name=name, defaults={"at": now})


@pytest.fixture
def mail_server(settings: object) -> Controller:
    controller = Controller(Sink(), hostname="127.0.0.1", port=servers.free_port())
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = controller.hostname, controller.port
    yield controller
    controller.stop()


@pytest.mark.usefixtures("everything_alive", "mail_server")
class TestAllAlive:
    def test_it_is_well_and_names_every_part(self, client: Client) -> None:
        status, parts = checks(client)
        assert (status, {name for name, part in parts.items() if not part["ok"]}) == (200, set())
        assert set(parts) == {
            *("database", "broker", "worker", "beat", "mail", "reminders", "urgent", "content policy", "keys"),
        }

    def test_a_silent_worker_is_seen_though_everything_else_answers(self, client: Client) -> None:
        Heartbeat.objects.filter(name="worker").update(at=clock.now() - timedelta(minutes=4))
        status, parts = checks(client)
        assert (status, parts["worker"]["ok"], parts["beat"]["ok"]) == (503, False, True)
        assert "Exports wait" in str(parts["worker"]["says"])

    def test_what_everybody_was_told_of_and_nobody_opened_is_seen_and_names_nobody(self, client: Client) -> None:
        Heartbeat.objects.filter(name="urgent").update(oldest_due_at=clock.now() - timedelta(minutes=41, seconds=5))
        status, parts = checks(client, "/healthz/reminders")
        assert (status, parts["urgent"]["ok"], parts["reminders"]["ok"]) == (503, False, True)
        assert parts["urgent"]["says"] == (
            "Something urgent lies unopened for 41 min: everybody on its list was told and has had their time."
        )

    def test_that_nobody_is_told_any_more_is_seen(self, client: Client) -> None:
        Heartbeat.objects.filter(name="urgent").update(at=clock.now() - timedelta(minutes=10))
        status, parts = checks(client)
        assert (status, parts["urgent"]["ok"]) == (503, False)

    def test_a_stopped_beat_is_seen(self, client: Client) -> None:
        Heartbeat.objects.filter(name="beat").delete()
        status, parts = checks(client, "/healthz/reminders")
        assert (status, parts["beat"]["ok"]) == (503, False)

    def test_a_broker_that_is_away_is_seen_and_pages_still_answer(self, client: Client) -> None:
        with override_settings(BROKER_URL=f"redis://127.0.0.1:{servers.free_port()}/0"):
            status, parts = checks(client)
            assert (status, parts["broker"]["ok"], parts["database"]["ok"]) == (503, False, True)
            assert client.get("/accounts/login/").status_code == 200

    def test_a_mail_server_that_is_away_is_seen(self, client: Client) -> None:
        with override_settings(EMAIL_PORT=servers.free_port()):
            status, parts = checks(client)
        assert (status, parts["mail"]["ok"]) == (503, False)


def test_live_needs_nothing_and_ready_needs_the_database(client: Client) -> None:
    assert checks(client, "/healthz/live") == (200, {})
    status, parts = checks(client, "/healthz/ready")
    assert (status, list(parts)) == (200, ["database"])


def test_the_answer_names_no_host_no_password_and_no_person(client: Client) -> None:
    said = client.get("/healthz").content.decode()
    for secret in ("127.0.0.1", "redis://", "postgres://", "@"):
        assert secret not in said
