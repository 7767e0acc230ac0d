"""Who may change the ways to a patient: whoever knows of them for longer than an emergency."""

import uuid

from accounts.actors import Actor, Kind
from common.refusals import Refused
from patients import selectors
from patients.models import Patient

NOT_IN_CARE = "The care of this patient has ended. Take it up again first."
UNKNOWN = "No record of yours to change. Nothing was done."


def check_knows_lastingly(by: Actor, patient_id: uuid.UUID) -> None:
    """A member has to know the patient without an emergency: what they would let in stays when the hour is over.

    Others come by a right of their own, which their door has asked for. Call it with the patient's row locked: the
    record may be being restricted.
    """
    if by.kind != Kind.MEMBER:
        return
    if not selectors.visible_to(selectors.lasting(by)).filter(id=patient_id).exists():
        raise Refused(UNKNOWN)


def check_in_care(patient: Patient) -> None:
    """Nobody is let in to the record of a patient whose care here has ended. Call it with the row as it is locked."""
    if patient.care_ended_at is not None:
        raise Refused(NOT_IN_CARE)
