"""The words that leave the house: no drug, no dose, no clinic, no name. Who reads over a shoulder learns nothing."""

import uuid
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from django.conf import settings
from django.core.validators import validate_email
from django.template.loader import render_to_string

from reminders.occurrences import Kind

SUBJECTS = {
    Kind.STEP_EVE: "Your page has something new",
    Kind.NIGHT_LOG: "Your page has a question for you",
    Kind.MESSAGE: "Your page has something for you to read",
}


def sender() -> str:
    """The bare address: the display name of the clinic's other mail may name a treatment."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def urgent_link() -> str:
    """Where whoever is told of something urgent signs in; the same for all of them."""
    return f"{settings.BASE_URL}/urgent/"


def urgent(*, notice_id: uuid.UUID, address: str, at: datetime) -> bytes:
    """The mail to a colleague: that something urgent waits, and where. Raises for an address that is none."""
    return _message(
        subject="Something urgent waits in LDN Clinic",
        template="mail/urgent.txt",
        link=urgent_link(),
        named=notice_id,
        address=address,
        at=at,
    )


def letter(*, kind: Kind, reminder_id: uuid.UUID, address: str, at: datetime) -> bytes:
    """The whole message as it crosses the wire. The Message-ID is the reminder's: a second copy would betray itself.

    Raises whatever makes it impossible: an address with a line break in it, a template that fails.
    """
    return _message(
        subject=SUBJECTS[kind],
        template=f"mail/{kind}.txt",
        link=f"{settings.BASE_URL}/p/",
        named=reminder_id,
        address=address,
        at=at,
    )


def _message(*, subject: str, template: str, link: str, named: uuid.UUID, address: str, at: datetime) -> bytes:
    validate_email(address)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender()
    message["To"] = address
    message["Subject"] = subject
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{named}@{sender().rpartition('@')[2]}>"
    # So that no holiday reply or mailing list answers a machine.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(render_to_string(template, {"link": link}))
    return message.as_bytes()
