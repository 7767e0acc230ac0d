"""The consent on paper: to be signed by hand, or as it was signed."""

import hashlib
from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from patients import consent, selectors_consent
from patients.consent import Shown
from patients.models import Consent, Patient
from patients.services import consenting
from patients.services.knowing import check_knows_lastingly
from titration import typesetting
from titration.engine.words import day_in_words
from titration.services.papers import Printed


@transaction.atomic
def print_consent(*, patient: Patient, signed: bool, by: Actor, at: datetime) -> Printed:
    """As PDF/UA-1: with `signed` what stands signed, else the text in force with lines to sign on."""
    policy.check(by, policy.Permission.REGISTER_PATIENTS)
    check_knows_lastingly(by, patient.id)
    standing = selectors_consent.consent_of(patient, at=at)
    row = standing.holds if signed else None
    shown = consent.as_shown(row.shown) if row is not None else consenting.shown_to(patient, standing)
    today = day_in_words(at.astimezone(patient.clinic.zone).date())
    body = typesetting.pdf("consent", _data(patient, shown, row, guardian=standing.is_child, today=today))
    details = {"text": shown.sha256, "file": hashlib.sha256(body).hexdigest()}
    audit.record(by=by, at=at, action="consent.printed", patients=[patient.id], details=details)
    return Printed(body=body, sha256=details["file"])


def _data(patient: Patient, shown: Shown, row: Consent | None, *, guardian: bool, today: str) -> dict[str, object]:
    who = f"{patient.name}, born {day_in_words(patient.birth_date)}, record {patient.record_number}"
    lines: list[list[str]] = [["Name of who signs", ""], ["Signature", ""], ["Date", ""]]
    if guardian:
        lines.insert(1, ["Parent or guardian of the patient", ""])
    if row is not None:
        lines = [
            ["Signed by", row.typed_name],
            ["How", Consent.How(row.how).label],
            ["On", day_in_words(row.signed_on)],
            ["Recorded", f"{row.at:%Y-%m-%d %H:%M} UTC, {row.by_label}"],
        ]
    return {
        "clinic": patient.clinic.name,
        "title": shown.title,
        "who": who,
        "blocks": [{"kind": block.kind, "lines": list(block.lines)} for block in shown.blocks],
        "lines": lines,
        "blank": row is None,
        "footer": f"{today}. Text {shown.sha256[:16]}",
    }
