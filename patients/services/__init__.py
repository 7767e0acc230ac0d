"""Deeds about people, by noun: register, correct the contact, invite, let a phone in, prove, forget, grant care."""

from patients.services.caring import (
    CARE_SPENT,
    LONGEST_GRANT,
    CareOpening,
    CarerLetIn,
    care_invitation_mailed,
    carer_actor,
    count_care_try,
    grant_care,
    open_care_invitation,
    revoke_care,
)
from patients.services.codes import make_code, try_code
from patients.services.contact import change_contact
from patients.services.invitations import (
    SPENT,
    LetIn,
    Opening,
    count_try,
    invitation_mailed,
    invite,
    open_invitation,
)
from patients.services.phones import forget_phone, holder_actor, patient_actor
from patients.services.registering import LOG_REMINDER_AT, ConditionEntry, register, sort_key

__all__ = [
    "CARE_SPENT",
    "LOG_REMINDER_AT",
    "LONGEST_GRANT",
    "SPENT",
    "CareOpening",
    "CarerLetIn",
    "ConditionEntry",
    "LetIn",
    "Opening",
    "care_invitation_mailed",
    "carer_actor",
    "change_contact",
    "count_care_try",
    "count_try",
    "forget_phone",
    "grant_care",
    "holder_actor",
    "invitation_mailed",
    "invite",
    "make_code",
    "open_care_invitation",
    "open_invitation",
    "patient_actor",
    "register",
    "revoke_care",
    "sort_key",
    "try_code",
]
