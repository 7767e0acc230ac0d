"""A person says what became of a reminder that nobody could know about."""

from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused, Stale
from reminders.models import Reminder
from reminders.states import State

OUTCOMES = {State.SENT, State.FAILED}


@transaction.atomic
def settle(*, reminder: Reminder, outcome: str, by: Actor, at: datetime) -> Reminder:
    """Write down that an uncertain reminder did arrive (`sent`) or did not (`failed`). It is never sent again."""
    policy.check(by, policy.Permission.SETTLE_REMINDERS)
    if outcome not in OUTCOMES:
        raise Refused("Say whether the reminder arrived or did not.")
    locked = (
        Reminder.objects.select_for_update(of=("self",), no_key=True)
        .select_related("occurrence")
        .get(id=reminder.id, clinic_id=by.clinic_id)
    )
    if locked.state != State.UNCERTAIN:
        raise Stale("Somebody has settled this reminder already. Look at the list again.")
    locked.state, locked.done_at, locked.settled_by_id = outcome, at, by.user_id
    locked.save(update_fields=["state", "done_at", "settled_by"])
    audit.record(
        by=by,
        at=at,
        action=f"reminder.settled_{outcome}",
        patients=[locked.occurrence.patient_id],
        subject=locked.id,
    )
    return locked
