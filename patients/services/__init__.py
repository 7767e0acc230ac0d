"""Deeds about people, by noun: register, correct the contact, invite, let a phone in, prove, forget, grant care."""

from patients.services.cards import (
    MadeCard,
    OpenedCard,
    check_may_keep_cards,
    make_card,
    may_try_cards,
    name_card,
    open_card,
    revoke_card,
)
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
from patients.services.changed import raise_sequence
from patients.services.codes import MailedProof, make_code, open_link, try_code
from patients.services.contact import change_contact
from patients.services.invitations import (
    SPENT,
    Opening,
    count_try,
    invitation_mailed,
    invite,
    open_invitation,
)
from patients.services.phones import LetIn, Recognised, forget_phone, holder_actor, patient_actor, recognise
from patients.services.pins import begin_sitting, set_pin, sits, try_pin
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
    "MadeCard",
    "MailedProof",
    "OpenedCard",
    "Opening",
    "Recognised",
    "begin_sitting",
    "care_invitation_mailed",
    "carer_actor",
    "change_contact",
    "check_may_keep_cards",
    "count_care_try",
    "count_try",
    "forget_phone",
    "grant_care",
    "holder_actor",
    "invitation_mailed",
    "invite",
    "make_card",
    "make_code",
    "may_try_cards",
    "name_card",
    "open_card",
    "open_care_invitation",
    "open_invitation",
    "open_link",
    "patient_actor",
    "raise_sequence",
    "recognise",
    "register",
    "revoke_card",
    "revoke_care",
    "set_pin",
    "sits",
    "sort_key",
    "try_code",
    "try_pin",
]
