"""Who may change the ways to a patient: whoever knows of them for longer than an emergency."""

import uuid

from accounts.actors import Actor, Kind
from common.refusals import Refused
from patients import selectors

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
