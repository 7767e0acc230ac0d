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

SUBJECTS = {Kind.STEP_EVE: "Your page has something new", Kind.NIGHT_LOG: "Your page has a question for you"}


def sender() -> str:
    """The bare address: the display name of the clinic's other mail may name a treatment."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]


def letter(*, kind: Kind, reminder_id: uuid.UUID, address: str, at: datetime) -> bytes:
    """The whole message as it crosses the wire. The Message-ID is the reminder's: a second copy would betray itself.

    Raises whatever makes it impossible: an address with a line break in it, a template that fails.
    """
    validate_email(address)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender()
    message["To"] = address
    message["Subject"] = SUBJECTS[kind]
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{reminder_id}@{sender().rpartition('@')[2]}>"
    # So that no holiday reply or mailing list answers a machine.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(render_to_string(f"mail/{kind}.txt", {"link": f"{settings.BASE_URL}/p/"}))
    return message.as_bytes()
