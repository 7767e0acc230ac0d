"""Mails to people who work in a clinic. They name the clinic and no patient."""

from datetime import date

from common import post


def invite(*, address: str, link: str, clinic: str, until: date) -> bool:
    """Whether the mail server took the invitation. `until` is the last day it opens.

    An invitation may be sent again, so a lost reply is told as a failure: the worst is a second mail.
    """
    context = {"link": link, "clinic": clinic, "until": until}
    subject = "You are invited to work in a clinic"
    return post.send(subject=subject, template="mail/member_invitation.txt", context=context, address=address)
