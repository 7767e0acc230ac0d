"""The mail that brings a patient their way in. It names no drug, no clinic and no patient."""

from datetime import date

from common import post

SUBJECT = "Your invitation"


def send(*, address: str, link: str, until: date) -> bool:
    """Whether the mail server took the invitation. `until` is the last day it opens.

    An invitation may be sent again, so a lost reply is told as a failure: the worst is a second mail.
    """
    context = {"link": link, "until": until}
    return post.send(subject=SUBJECT, template="mail/invitation.txt", context=context, address=address)
