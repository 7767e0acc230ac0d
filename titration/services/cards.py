"""Printing an emergency card."""

import hashlib
from datetime import datetime

from django.db import transaction

from accounts.actors import Actor
from accounts.models import Clinic
from audit import services as audit
from common import qr
from patients import services as patients_services
from patients.models import EmergencyCard
from titration import cards, typesetting
from titration.engine.words import day_in_words
from titration.services.papers import Printed


@transaction.atomic
def print_card(*, card: EmergencyCard, link: str, by: Actor, at: datetime) -> Printed:
    """The card as a file of one page, with a QR code of `link`; for the patient, or for who registers patients.

    Only who has just made it knows its link: it is kept nowhere.
    """
    patients_services.check_may_keep_cards(by, card.patient)
    made = card.made_at.astimezone(card.patient.zone).date()
    clinic = Clinic.objects.get(id=card.clinic_id)
    data = cards.paper(
        cards.words(),
        name=card.patient.name if card.shows_name else "",
        phone=clinic.phone,
        urgent_phone=clinic.urgent_phone,
        made=f"Card made on {day_in_words(made)}",
        code=qr.svg(link),
    )
    body = typesetting.pdf("card", data)
    printed = Printed(body, hashlib.sha256(body).hexdigest())
    details = {"sha256": printed.sha256}
    audit.record(by=by, at=at, action="card.print", patients=[card.patient_id], subject=card.id, details=details)
    return printed
