"""The mail that says there is something on the patient's page. It names no drug, no clinic, no patient and no topic."""

from common import post

SUBJECT = "Your page has something for you"


def send(*, address: str, link: str) -> bool:
    """Whether the mail server took it. It may be sent again: the worst is a second mail."""
    return post.send(subject=SUBJECT, template="mail/to_answer.txt", context={"link": link}, address=address)
