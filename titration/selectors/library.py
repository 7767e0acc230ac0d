"""Questions about templates: which are offered, what stands behind one, who is treated by it."""

import uuid
from collections.abc import Iterable

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    UUIDField,
    Value,
)
from django.db.models.functions import Coalesce

from accounts.actors import Actor
from patients import selectors as patients_selectors
from titration.models import PlanChange, Prescription, ProtocolDecision, ProtocolVersion

Kind = ProtocolDecision.Kind
_STANDINGS = (Kind.WITHDRAWN, Kind.OFFERED)


def newest(actor: Actor) -> QuerySet[ProtocolVersion]:
    """The newest version of every template, shared and the clinic's own, by code. Each has `standing`: the newest
    decision whether it is offered, empty where there was none.
    """
    decided = ProtocolDecision.objects.filter(
        clinic_id=actor.clinic_id, code=OuterRef("code"), own=OuterRef("is_own"), kind__in=_STANDINGS
    )
    return (
        _known_to(actor)
        .annotate(is_own=ExpressionWrapper(Q(clinic__isnull=False), output_field=BooleanField()))
        .annotate(standing=Coalesce(Subquery(decided.order_by("-number").values("kind")[:1]), Value("")))
        .order_by("code", "clinic_id", "-version")
        .distinct("code", "clinic_id")
    )


def offered(actor: Actor) -> QuerySet[ProtocolVersion]:
    """What may be prescribed by: the newest version of each template that was not taken out of use."""
    return newest(actor).exclude(standing=Kind.WITHDRAWN)


def version_of(actor: Actor, version_id: uuid.UUID) -> ProtocolVersion | None:
    """A version of a template that this actor's clinic may read, with `standing`."""
    found = _known_to(actor).filter(id=version_id).first()
    if found is not None:
        found.is_own = found.clinic_id is not None
        standing = _decisions(actor, found).filter(kind__in=_STANDINGS).order_by("-number").first()
        found.standing = standing.kind if standing else ""
    return found


def versions_like(actor: Actor, version: ProtocolVersion) -> list[ProtocolVersion]:
    """Every version of the same template, newest first."""
    return list(_known_to(actor).filter(code=version.code, clinic_id=version.clinic_id).order_by("-version"))


def decisions_on(actor: Actor, version: ProtocolVersion) -> list[ProtocolDecision]:
    """What the clinic decided about this template, newest first."""
    return list(_decisions(actor, version).select_related("protocol_version").order_by("-number"))


def reviews(actor: Actor, versions: Iterable[ProtocolVersion]) -> dict[uuid.UUID, ProtocolDecision]:
    """The newest clinical review that the clinic signed of each of these versions."""
    found = ProtocolDecision.objects.filter(
        clinic_id=actor.clinic_id, kind=Kind.REVIEWED, protocol_version__in=list(versions)
    ).order_by("number")
    return {decision.protocol_version_id: decision for decision in found}


def in_use(actor: Actor) -> dict[uuid.UUID, int]:
    """How many open courses that this actor may know of go by each version."""
    counted = _open_courses(actor).values("version_in_force").annotate(courses=Count("id"))
    return {row["version_in_force"]: row["courses"] for row in counted}


def in_use_by_code(actor: Actor) -> dict[tuple[str, uuid.UUID | None], int]:
    """How many open courses that this actor may know of go by any version of each template, by code and clinic."""
    counted, found = in_use(actor), dict[tuple[str, uuid.UUID | None], int]()
    for version_id, *template in _known_to(actor).filter(id__in=counted).values_list("id", "code", "clinic_id"):
        code, clinic_id = template
        found[(code, clinic_id)] = found.get((code, clinic_id), 0) + counted[version_id]
    return found


def courses_on(actor: Actor, version: ProtocolVersion, *, after: str = "") -> tuple[list[Prescription], str]:
    """A page of the open courses that go by this version, the longest signed first, and what to ask for the next page
    with: the id of the last one, empty where no more follow. An id that is none begins anew.
    """
    found = _open_courses(actor).filter(version_in_force=version.id).order_by("signed_at", "id")
    if last := _course_known_as(actor, after):
        later = Q(signed_at__gt=last.signed_at) | Q(signed_at=last.signed_at, id__gt=last.id)
        found = found.filter(later)
    rows = list(found.select_related("patient", "signed_by")[: COURSES_ON_A_PAGE + 1])
    more = len(rows) > COURSES_ON_A_PAGE
    page = rows[:COURSES_ON_A_PAGE]
    return page, str(page[-1].id) if more else ""


COURSES_ON_A_PAGE = 50


def last_strengths(actor: Actor) -> list[str]:
    """The strengths that the clinic stated when it last saved a template."""
    last = (
        ProtocolDecision.objects.filter(clinic_id=actor.clinic_id, kind=Kind.SAVED)
        .order_by("-at", "-number")
        .values_list("strengths", flat=True)
        .first()
    )
    return list(last or [])


def _open_courses(actor: Actor) -> QuerySet[Prescription]:
    """Open courses with `version_in_force`: the one they were changed to last, if that was not taken back, else the one
    they were signed under."""
    taken_back = PlanChange.objects.filter(
        prescription=OuterRef("prescription"), kind=PlanChange.Kind.SUPERSEDE, takes_back=OuterRef("number") - 1
    )
    changed = PlanChange.objects.filter(
        ~Exists(taken_back), prescription=OuterRef("pk"), kind=PlanChange.Kind.CHANGE_PROTOCOL
    )
    last = changed.order_by("-number").values("protocol_version")[:1]
    return Prescription.objects.filter(
        patient__in=patients_selectors.visible_to(actor), state__in=Prescription.OPEN_STATES
    ).annotate(version_in_force=Coalesce(Subquery(last), F("protocol_version"), output_field=UUIDField()))


def _course_known_as(actor: Actor, typed: str) -> Prescription | None:
    try:
        course_id = uuid.UUID(typed)
    except ValueError:
        return None
    found: Prescription | None = _open_courses(actor).filter(id=course_id).first()
    return found


def _known_to(actor: Actor) -> QuerySet[ProtocolVersion]:
    return ProtocolVersion.objects.filter(Q(clinic=None) | Q(clinic_id=actor.clinic_id))


def _decisions(actor: Actor, version: ProtocolVersion) -> QuerySet[ProtocolDecision]:
    return ProtocolDecision.objects.filter(
        clinic_id=actor.clinic_id, code=version.code, own=version.clinic_id is not None
    )
