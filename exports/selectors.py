"""Questions about exports. Only who asked for one may know of it."""

import uuid
from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.actors import Actor, Kind
from exports.models import Export
from patients import selectors as patients_selectors


def own(actor: Actor) -> QuerySet[Export]:
    """The exports this member asked for in the clinic they act in, newest first.

    One of a patient whose record has been closed to them since is theirs no longer.
    """
    if actor.kind != Kind.MEMBER:
        return Export.objects.none()
    mine = Export.objects.filter(owner_id=actor.user_id, clinic_id=actor.clinic_id)
    known = patients_selectors.visible_to(patients_selectors.lasting(actor))
    return (
        mine.filter(Q(patient=None) | Q(patient__in=known))
        .select_related("patient", "clinic")
        .order_by("-requested_at", "id")
    )


def fetchable(actor: Actor, export_id: uuid.UUID, *, at: datetime) -> Export | None:
    """The actor's own export, if it is ready, has not expired, and holds nobody who has been closed to them since."""
    export = own(actor).filter(id=export_id, state=Export.State.DONE, expires_at__gt=at).first()
    if export is None:
        return None
    known = patients_selectors.visible_to(patients_selectors.lasting(actor)).filter(id__in=export.patient_ids)
    return export if known.count() == len(export.patient_ids) else None
