"""Emergency cards: made by the patient or the clinic, opened by whoever holds one, revoked by either."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts import policy
from accounts.actors import Actor, Kind
from audit import services as audit
from common import walls
from common.refusals import Refused
from patients import secrets, selectors
from patients.models import EmergencyCard, Patient
from patients.services import counting
from patients.services.knowing import check_in_care, check_knows_lastingly


@dataclass(frozen=True, kw_only=True)
class MadeCard:
    """A new card, and its token: kept nowhere, so it is printed or shown now."""

    card: EmergencyCard
    token: str


def check_may_keep_cards(by: Actor, patient: Patient) -> None:
    """The patient for themself, or a member who registers patients; a helper carries none of theirs about."""
    if by.kind == Kind.PATIENT and by.patient_id == patient.id:
        return
    policy.check(by, policy.Permission.REGISTER_PATIENTS)


@transaction.atomic
def make_card(*, patient: Patient, shows_name: bool, by: Actor, at: datetime) -> MadeCard:
    """One more card; those made before stay good, up to five of them."""
    check_may_keep_cards(by, patient)
    check_in_care(Patient.objects.select_for_update(no_key=True).get(id=patient.id, clinic_id=patient.clinic_id))
    check_knows_lastingly(by, patient.id)
    if patient.emergency_cards.filter(revoked_at=None).count() >= secrets.MOST_CARDS:
        raise Refused(f"There are {secrets.MOST_CARDS} cards already. Switch off one that is not used, then make one.")
    token = secrets.new_token()
    card = EmergencyCard.objects.create(
        clinic_id=patient.clinic_id,
        patient=patient,
        token_digest=secrets.digest(token),
        shows_name=shows_name,
        made_at=at,
        made_by_id=by.user_id,
    )
    details = {"shows_name": shows_name}
    audit.record(by=by, at=at, action="card.make", patients=[patient.id], subject=card.id, details=details)
    return MadeCard(card=card, token=token)


@transaction.atomic
def name_card(*, card: EmergencyCard, shows_name: bool, by: Actor, at: datetime) -> None:
    """Let the page behind a card name the patient, or no longer. Printed words stay as they are."""
    check_may_keep_cards(by, card.patient)
    changed = EmergencyCard.objects.filter(id=card.id, patient_id=card.patient_id, shows_name=not shows_name)
    if changed.update(shows_name=shows_name):
        details = {"shows_name": shows_name}
        audit.record(by=by, at=at, action="card.name", patients=[card.patient_id], subject=card.id, details=details)


@transaction.atomic
def revoke_card(*, card: EmergencyCard, by: Actor, at: datetime) -> None:
    """From now on this card opens nothing. Doing it twice changes nothing."""
    check_may_keep_cards(by, card.patient)
    check_knows_lastingly(by, card.patient_id)
    if EmergencyCard.objects.filter(id=card.id, patient_id=card.patient_id, revoked_at=None).update(revoked_at=at):
        audit.record(by=by, at=at, action="card.revoke", patients=[card.patient_id], subject=card.id)


def may_try_cards(*, asked_from: str, at: datetime) -> bool:
    """Count one try at a card from a network address, whether there is such a card or not; False when too many."""
    return counting.count(
        "card from", asked_from, most=secrets.CARDS_PER_NETWORK_ADDRESS, window=secrets.CARD_WINDOW, at=at
    )


@dataclass(frozen=True, kw_only=True)
class OpenedCard:
    """A card somebody opened. `too_often`: it is good, and was opened so often that nothing is shown for a while."""

    card: EmergencyCard
    too_often: bool = False


def open_card(*, token: str, by: Actor, at: datetime) -> OpenedCard | None:
    """The card of this token, counted and remembered; None for an unknown one, a revoked one and one of a care that
    has ended, all alike. Call `may_try_cards` first.
    """
    clinic_id = selectors.clinic_of_card(token)
    with transaction.atomic(), walls.acting(clinic=clinic_id):
        card = selectors.good_card(token)
        if card is None:
            return None
        if not counting.count("card", str(card.id), most=secrets.OPENINGS_PER_CARD, window=secrets.CARD_WINDOW, at=at):
            return OpenedCard(card=card, too_often=True)
        EmergencyCard.objects.filter(id=card.id, patient_id=card.patient_id).update(
            opened_count=F("opened_count") + 1, opened_at=at
        )
        somebody = replace(by, clinic_id=clinic_id)
        audit.record(by=somebody, at=at, action="card.open", patients=[card.patient_id], subject=card.id)
        return OpenedCard(card=card)
