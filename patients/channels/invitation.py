"""The mail that brings a patient their way in. It names no drug, no clinic and no patient."""

import logging
import smtplib
from datetime import date
from email.utils import parseaddr

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

SUBJECT = "Your invitation"

log = logging.getLogger(__name__)


def send(*, address: str, link: str, until: date) -> bool:
    """Hand the invitation to the mail server; whether it took it. `until` is the last day it opens.

    An invitation may be sent again, so a lost reply is told as a failure: the worst is a second mail.
    """
    message = EmailMessage(
        subject=SUBJECT,
        body=render_to_string("mail/invitation.txt", {"link": link, "until": until}),
        # The bare address: a display name may name a treatment.
        from_email=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        to=[address],
        headers={"Auto-Submitted": "auto-generated"},
    )
    try:
        return message.send() == 1
    except (smtplib.SMTPException, OSError, UnicodeError) as error:
        # The class only: a server's reply can quote the address.
        log.warning("an invitation was not sent: %s", type(error).__name__)
        return False
