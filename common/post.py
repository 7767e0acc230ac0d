"""Hands one mail of ours to the mail server, now: the person waits for it on a page."""

import logging
import smtplib
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

log = logging.getLogger(__name__)


def send(*, subject: str, template: str, context: dict[str, Any], address: str) -> bool:
    """Whether the server took it; a lost reply is told as a failure. Never to be called inside a transaction."""
    message = EmailMessage(
        subject=subject,
        body=render_to_string(template, context),
        # The bare address: a display name may name a treatment.
        from_email=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        to=[address],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        return message.send() == 1
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # Some address is none, or would be a header. The class only: a server's reply can quote the address.
        log.warning("%s was not sent: %s", template, type(error).__name__)
        return False
