"""What members keep beside the day's list: tags on patients, and their own views of it."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from accounts import policy
from accounts.actors import Actor
from audit import services as audit
from common.refusals import Refused
from patients.models import Patient
from titration.models import PatientTag, SavedView, Tag
from titration.selectors import worklist

MOST_TAGS = 100
MOST_VIEWS = 30


@transaction.atomic
def set_tags(*, patient: Patient, tags: Collection[uuid.UUID], new: str, by: Actor, at: datetime) -> None:
    """Let the patient carry these tags of the clinic's and no other; `new` is a further one by its name, or ""."""
    policy.check(by, policy.Permission.KEEP_CONTACT)
    known = {tag.id: tag for tag in worklist.tags_of(by)}
    wanted = {tag_id for tag_id in tags if tag_id in known}
    if new:
        wanted.add(_tag(new, known, by).id)
    have = set(PatientTag.objects.filter(patient=patient).values_list("tag_id", flat=True))
    if wanted == have:
        return
    PatientTag.objects.filter(patient=patient, tag__in=have - wanted).delete()
    PatientTag.objects.bulk_create(
        PatientTag(clinic_id=patient.clinic_id, patient=patient, tag_id=tag_id) for tag_id in sorted(wanted - have)
    )
    audit.record(by=by, at=at, action="patient.tags", patients=[patient.id], subject=patient.id)


def _tag(name: str, known: Mapping[uuid.UUID, Tag], by: Actor) -> Tag:
    """The tag of this name; one that differs in capitals only is the same."""
    same = next((tag for tag in known.values() if tag.name.casefold() == name.casefold()), None)
    if same is None and len(known) >= MOST_TAGS:
        raise Refused(f"A clinic has at most {MOST_TAGS} tags. Use one of those that are there.")
    return same or Tag.objects.create(clinic_id=by.clinic_id, name=name)


@transaction.atomic
def keep_view(*, name: str, filters: Mapping[str, str], by: Actor, at: datetime) -> SavedView:
    """Keep these filters under a name, for this member alone; one of the same name is replaced."""
    policy.check(by, policy.Permission.READ_PATIENTS)
    if not filters:
        raise Refused("Choose what the list is narrowed to first; then it can be kept under a name.")
    mine = worklist.views_of(by)
    if len(mine) >= MOST_VIEWS and name not in {view.name for view in mine}:
        raise Refused(f"You keep {MOST_VIEWS} views already. Forget one first.")
    view, _ = SavedView.objects.update_or_create(
        clinic_id=by.clinic_id, user_id=by.user_id, name=name, defaults={"filters": dict(filters)}
    )
    audit.record(by=by, at=at, action="view.keep", subject=view.id)
    return view


@transaction.atomic
def forget_view(*, view_id: uuid.UUID, by: Actor, at: datetime) -> bool:
    """Forget a view of one's own. Whether it was there."""
    policy.check(by, policy.Permission.READ_PATIENTS)
    gone, _ = SavedView.objects.filter(clinic_id=by.clinic_id, user_id=by.user_id, id=view_id).delete()
    if gone:
        audit.record(by=by, at=at, action="view.forget", subject=view_id)
    return bool(gone)
