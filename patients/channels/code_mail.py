"""The mail with the six digits that open history and chart. It names no drug, no dose, no clinic and no patient."""

import logging
import smtplib
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

SUBJECT = "Your six-digit code"

log = logging.getLogger(__name__)


def send(*, address: str, code: str) -> bool:
    """Hand the mail to the server once; whether it took it. Never to be called inside a transaction."""
    message = EmailMessage(
        subject=SUBJECT,
        body=render_to_string("mail/code.txt", {"code": code}),
        # The bare address: a display name may name a treatment.
        from_email=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        to=[address],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        return message.send() == 1
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        # The class only: a server's reply can quote the address.
        log.warning("a code was not sent: %s", type(error).__name__)
        return False
