"""The mail with the six digits that open history and chart. It names no drug, no dose, no clinic and no patient."""

from common import post

SUBJECT = "Your six-digit code"


def send(*, address: str, code: str) -> bool:
    """Whether the mail server took the code."""
    return post.send(subject=SUBJECT, template="mail/code.txt", context={"code": code}, address=address)
