"""Whether each part of the machine is alive, asked of the part itself where it can answer, of its trace where not."""

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from kombu import Connection

from common import resealing, sealed
from ldn_clinic import breaches
from reminders import selectors as reminders_selectors

# A worker that answers pings may still consume nothing: what counts is a row it wrote lately.
CANARY_MAX_AGE = timedelta(minutes=3)
BEAT_MAX_AGE = timedelta(minutes=2)


@dataclass(frozen=True)
class Verdict:
    """Whether a part is alive, and a sentence for who must mend it."""

    ok: bool
    says: str


def database(at: datetime) -> Verdict:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    return Verdict(True, f"Postgres {version} answers.")


def broker(at: datetime) -> Verdict:
    with Connection(settings.BROKER_URL, connect_timeout=2, transport_options={"socket_timeout": 2}) as queue:
        queue.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=2)
    return Verdict(True, "The broker answers.")


def beat(at: datetime) -> Verdict:
    return _pulse("beat", at, BEAT_MAX_AGE, "Reminders and planned steps are not being started.")


def worker(at: datetime) -> Verdict:
    return _pulse("worker", at, CANARY_MAX_AGE, "Exports wait and reminders are late.")


def reminders(at: datetime) -> Verdict:
    trouble = reminders_selectors.trouble(at=at)
    return Verdict(not trouble, " ".join(trouble) or "Rounds are made and nothing is overdue.")


def urgent(at: datetime) -> Verdict:
    trouble = reminders_selectors.urgent_trouble(at=at)
    return Verdict(not trouble, trouble or "Whatever is urgent was opened, or somebody still has time to.")


def mail(at: datetime) -> Verdict:
    with smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=3) as server:
        code, _ = server.noop()
    return Verdict(code == 250, f"The mail server answers {code}.")


def keys(at: datetime) -> Verdict:
    """Whether every key that sealed something, when it was last counted, is here."""
    missing = resealing.missing_keys(sealed.keyring())
    if not missing:
        return Verdict(True, "Every key that sealed something is here.")
    named = ", ".join(f"{key_id} ({texts} texts)" for key_id, texts in missing.items())
    return Verdict(False, f"Field keys are missing: {named}. Their words cannot be opened.")


def content_policy(at: datetime) -> Verdict:
    """Told and never in trouble: anybody can send a report, so a report must not ring a bell."""
    times = breaches.times_since(at.date() - timedelta(days=1))
    return Verdict(True, f"{times} breaches reported since yesterday; ./clinic manage csp_reports lists them.")


CHECKS: dict[str, Callable[[datetime], Verdict]] = {
    "database": database,
    "broker": broker,
    "worker": worker,
    "beat": beat,
    "mail": mail,
    "reminders": reminders,
    "urgent": urgent,
    "keys": keys,
    "content policy": content_policy,
}


def ask(name: str, at: datetime) -> Verdict:
    """Ask one part; one that raises is down, and only the kind of error is told."""
    try:
        return CHECKS[name](at)
    except Exception as error:  # noqa: BLE001  whatever ails a part, the others must still be asked
        return Verdict(False, f"It does not answer ({type(error).__name__}).")


def _pulse(name: str, at: datetime, max_age: timedelta, consequence: str) -> Verdict:
    last = reminders_selectors.last_pulse(name)
    if last is None:
        return Verdict(False, f"It has never been alive. {consequence}")
    age = at - last
    seconds = max(0, round(age.total_seconds()))
    return (
        Verdict(True, f"Alive {seconds} s ago.")
        if age <= max_age
        else Verdict(False, f"Silent for {seconds} s. {consequence}")
    )
