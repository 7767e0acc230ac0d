"""The mail with the link and the six digits that prove who holds a phone. It names no drug, dose, clinic or patient."""

from common import post

SUBJECT = "Your six-digit code"


def send(*, address: str, link: str, code: str) -> bool:
    """Whether the mail server took it."""
    return post.send(subject=SUBJECT, template="mail/code.txt", context={"link": link, "code": code}, address=address)
