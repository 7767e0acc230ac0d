"""The mail that brings a carer their way in. It names no patient, no clinic, no drug and nothing of health."""

from datetime import date

from common import post

SUBJECT = "Somebody asks for your help"


def send(*, address: str, link: str, until: date) -> bool:
    """Whether the mail server took the invitation. `until` is the last whole day on which it opens."""
    context = {"link": link, "until": until}
    return post.send(subject=SUBJECT, template="mail/care_invitation.txt", context=context, address=address)
