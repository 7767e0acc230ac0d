"""The mail that tells an address that it is no longer written to. It names nobody, no clinic and nothing of health."""

from common import post

SUBJECT = "Your address was changed"


def send(*, address: str) -> bool:
    """Whether the mail server took the notice."""
    return post.send(subject=SUBJECT, template="mail/address_changed.txt", context={}, address=address)
