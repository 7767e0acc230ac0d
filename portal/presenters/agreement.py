"""What was signed, in words."""

from datetime import datetime
from zoneinfo import ZoneInfo

from patients.models import Consent
from portal.presenters.days import moment


def held(row: Consent, zone: ZoneInfo, at: datetime) -> str:
    """Who signed it and when; on paper, on which day."""
    if row.how == Consent.How.PAPER:
        return f"Signed on paper by {row.typed_name} on {row.signed_on:%-d %B %Y}."
    return f"Signed by {row.typed_name}, {moment(row.at, zone, at)}."
