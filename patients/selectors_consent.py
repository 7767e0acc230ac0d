"""Questions about consent: which text is in force, what a patient has signed, and who has to sign anew."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.actors import Actor
from patients import consent, selectors
from patients.consent import Signed, Text
from patients.models import Consent, ConsentText, Patient, PatientCondition


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The text in force, all that was signed and taken back (newest first), and why consent is due, if it is."""

    text: Text
    rows: tuple[Consent, ...]
    conditions: tuple[str, ...]
    is_child: bool
    due: str | None

    @property
    def newest(self) -> Consent | None:
        """The newest that was signed or taken back."""
        return next((row for row in self.rows if row.kind != Consent.Kind.ASKED), None)

    @property
    def holds(self) -> Consent | None:
        """The consent that stands; none where it was taken back or never given."""
        return self.newest if self.newest is not None and self.newest.kind == Consent.Kind.SIGNED else None


def text_in_force(clinic_id: uuid.UUID | None) -> Text:
    """The clinic's newest version, or the program's own; what is known of conditions comes with the program."""
    row = ConsentText.objects.filter(clinic_id=clinic_id).order_by("-number").first()
    return as_text(row) if row is not None else consent.shipped()


def as_text(row: ConsentText) -> Text:
    """A clinic's version as the pure part reads it. The clinic that published it stands for it."""
    ours = consent.shipped()
    return Text(
        key=key_of(row.number),
        material_key=row.material_key,
        title=row.title,
        body=row.body,
        for_guardian=ours.for_guardian,
        evidence=ours.evidence,
        reviewed=True,
    )


def key_of(number: int) -> str:
    """What a clinic's version is called for good."""
    return f"clinic-{number}"


def texts_of(actor: Actor) -> list[ConsentText]:
    """The versions the actor's clinic has published, newest first."""
    return list(ConsentText.objects.filter(clinic_id=actor.clinic_id).order_by("-number"))


def consent_of(patient: Patient, *, at: datetime) -> Standing:
    """What stands for this patient, in three statements. The caller knows that the patient may be seen."""
    text = text_in_force(patient.clinic_id)
    rows = tuple(Consent.objects.filter(patient=patient).order_by("-number"))
    found = PatientCondition.objects.filter(patient=patient).order_by("position").values_list("code", flat=True)
    conditions, child = tuple(found), selectors.is_child(patient, at=at)
    stands = Standing(text=text, rows=rows, conditions=conditions, is_child=child, due=None)
    signed = _signed(stands.newest) if stands.newest else None
    return replace(stands, due=consent.due(signed, text, conditions=conditions, is_child=child))


def asked_to_sign(patient: Patient) -> bool:
    """Whether the clinic waits for this patient's signature; one statement."""
    newest = Consent.objects.filter(patient=patient).order_by("-number").values_list("kind", flat=True).first()
    return newest == Consent.Kind.ASKED


def consent_due(patient: Patient, *, at: datetime) -> str | None:
    """Why this patient has to be asked for consent now, in a sentence; None where what was signed still holds."""
    return consent_of(patient, at=at).due


def reasons_due(
    patients: Sequence[Patient],
    conditions: Mapping[uuid.UUID, Collection[str]],
    *,
    clinic_id: uuid.UUID | None,
    at: datetime,
) -> dict[uuid.UUID, str]:
    """Why consent is due, of those of one clinic's patients whose it is, in two statements however many."""
    text = text_in_force(clinic_id)
    newest = {
        row.patient_id: _signed(row)
        for row in Consent.objects.filter(patient__in=[patient.id for patient in patients])
        .exclude(kind=Consent.Kind.ASKED)
        .defer("shown", "typed_name", "words")
        .order_by("patient_id", "-number")
        .distinct("patient_id")
    }
    found = {}
    for patient in patients:
        child = selectors.is_child(patient, at=at)
        reason = consent.due(newest.get(patient.id), text, conditions=conditions[patient.id], is_child=child)
        if reason is not None:
            found[patient.id] = reason
    return found


def _signed(row: Consent) -> Signed:
    return Signed(
        withdrawn=row.kind == Consent.Kind.WITHDRAWN,
        material_key=row.material_key,
        conditions=frozenset(row.conditions),
        was_child=row.was_child,
    )
