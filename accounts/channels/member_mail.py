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


def factors_reset(*, address: str, name: str, by: str, clinic: str, theirs: bool) -> bool:
    """Whether the mail server took the news of a reset; `theirs`: it goes to the person it was done for."""
    subject = "Your second factor was reset" if theirs else "A colleague's second factor was reset"
    context = {"name": name, "by": by, "clinic": clinic, "theirs": theirs}
    return post.send(subject=subject, template="mail/factors_reset.txt", context=context, address=address)


def administrator_invited(*, address: str, name: str, by: str, clinic: str, role: str) -> bool:
    """Whether the mail server took the news that `by` invited `name` (an address) as one who lets others in."""
    subject = "Somebody was invited to manage your clinic"
    context = {"name": name, "by": by, "clinic": clinic, "role": role}
    return post.send(subject=subject, template="mail/administrator_invited.txt", context=context, address=address)
