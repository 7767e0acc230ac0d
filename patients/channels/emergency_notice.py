"""The mail that says emergency access was used. It names no patient, no clinician, no clinic and no reason."""

from common import post

SUBJECT = "Emergency access was used"


def send(*, address: str, link: str, may_review: bool) -> bool:
    """Whether the mail server took the notice. `may_review` is whether its reader can close the review themselves."""
    context = {"link": link, "may_review": may_review}
    return post.send(subject=SUBJECT, template="mail/emergency.txt", context=context, address=address)
