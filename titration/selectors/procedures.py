"""Questions about procedures, and whether one stands in the way of taking doses again."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from accounts.actors import Actor
from common.refusals import Refused
from patients import selectors as patients_selectors
from patients.models import Patient
from titration.engine import procedure as engine
from titration.engine import timeline
from titration.engine.course import Begin, Change, Course, Pause, PauseCause, Restart, Resume, Supersede
from titration.engine.procedure import After
from titration.engine.words import day_in_words
from titration.models import Procedure, ProcedureDay


def procedures_of(patient: Patient) -> list[Procedure]:
    """All of them, cancelled ones too, the latest day first."""
    return list(Procedure.objects.filter(patient=patient).order_by("-on", "-recorded_at"))


def open_procedures(patient: Patient) -> list[Procedure]:
    """Those that are neither cancelled nor over, the soonest first."""
    return list(Procedure.objects.filter(patient=patient, cancelled_at=None, done_at=None).order_by("on", "id"))


def visible_procedure(actor: Actor, procedure_id: uuid.UUID) -> Procedure | None:
    """The procedure, if this actor may know of its patient, with patient and clinic."""
    known = patients_selectors.visible_to(actor)
    found = Procedure.objects.filter(id=procedure_id, patient__in=known)
    return found.select_related("patient__clinic").first()


def told_days(procedures: Sequence[Procedure]) -> dict[uuid.UUID, dict[date, bool]]:
    """Whether an opioid was taken, by day and procedure, as last told: one statement."""
    found: dict[uuid.UUID, dict[date, bool]] = {procedure.id: {} for procedure in procedures}
    rows = ProcedureDay.objects.filter(procedure__in=[one.id for one in procedures]).order_by("at")
    for procedure_id, on, opioid in rows.values_list("procedure_id", "on", "opioid"):
        found[procedure_id][on] = opioid
    return found


def after(procedure: Procedure, told: Mapping[date, bool], *, today: date) -> After:
    """What stands between this procedure and a restart, with its `told_days`: they are counted while it is open. Of one
    that is over the clinic has said since when no opioid is taken; where none was at all, its own day is the first.
    """
    needed = engine.days_needed(
        opioids_taken=procedure.opioids_taken, short_course=procedure.short_course, chosen=procedure.days_needed
    )
    if procedure.is_open:
        return After(since_on=engine.opioid_free_since(told, on=procedure.on, today=today), days=needed)
    return After(since_on=procedure.opioid_free_since_on if procedure.opioids_taken else procedure.on, days=needed)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """The procedure a patient's pages speak of, and whether today's question after it has been answered."""

    procedure: Procedure
    today: date
    told_today: bool | None

    @property
    def has_come(self) -> bool:
        return self.today >= self.procedure.on


def standing(patient: Patient, *, today: date) -> Standing | None:
    """The open procedure that matters most now: one that has come before one that is ahead."""
    found = open_procedures(patient)
    if not found:
        return None
    come = [one for one in found if one.on <= today]
    chosen = come[-1] if come else found[0]
    told = told_days([chosen])[chosen.id] if come else {}
    return Standing(procedure=chosen, today=today, told_today=told.get(today))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an open procedure asks of a plan: no dose from a plan date on, which is the last planned one before it, and
    whether that is as early as it should be. `since_on` is that date as it is shown: one that has come stays.
    """

    procedure: Procedure
    from_on: date
    since_on: date
    last_dose_on: date | None
    in_time: bool


def wanted(course: Course, patient: Patient, *, next_on: date) -> list[Wanted]:
    """What each open procedure asks of this course, the pause that waits for one left aside; one statement.

    `next_on` is the plan date of the next dose: nothing can be asked of an earlier one.
    """
    open_ones = open_procedures(patient)
    schedule = timeline.plan(_without_pause(course, next_on), as_of=next_on) if open_ones else ()
    found = []
    for one in open_ones:
        begins = engine.begins_at(one.on, one.time, patient.zone)
        meant = engine.no_dose_from(schedule, begins, one.hours, patient.zone)
        from_on = max(meant, next_on, course.start_on)
        last = engine.last_dose_on(schedule, from_on)
        has_come = one.no_dose_from_on is not None and max(meant, one.no_dose_from_on) < next_on
        found.append(
            Wanted(
                procedure=one,
                from_on=from_on,
                since_on=one.no_dose_from_on if has_come and one.no_dose_from_on else from_on,
                last_dose_on=last,
                in_time=last is None or last < meant,
            )
        )
    return found


def is_paused_for(course: Course, asked: Sequence[Wanted]) -> bool:
    """Whether nothing is in force from the first day that a procedure asks for on: paused until somebody restarts, by
    whatever cause, or ended.
    """
    return not asked or _without_dose_from(course, min(one.from_on for one in asked))


def arranged(course: Course, asked: Sequence[Wanted], *, next_on: date) -> Course:
    """The course with the pause where the open procedures want it: what puts it there is changed last.

    A pause that is in force already stays: what was so cannot be taken back, and no dose begins by itself.
    """
    place, bare = waiting_pause(course, next_on), _without_pause(course, next_on)
    pause = Pause(min(one.from_on for one in asked), None, PauseCause.PROCEDURE) if asked else None
    if place is not None and course.changes[place] == pause:
        return course
    return bare if pause is None or is_paused_for(bare, asked) else bare.changed(pause)


def waiting_pause(course: Course, next_on: date) -> int | None:
    """The place of the pause for a procedure that stands in the course and has not begun."""
    gone = {change.takes_back for change in course.changes if isinstance(change, Supersede)}
    for place, change in reversed(list(enumerate(course.changes))):
        if place in gone or not isinstance(change, Pause) or change.cause is not PauseCause.PROCEDURE:
            continue
        return place if change.on >= next_on else None
    return None


def _without_pause(course: Course, next_on: date) -> Course:
    place = waiting_pause(course, next_on)
    return course if place is None else course.changed(Supersede(place))


def _without_dose_from(course: Course, day: date) -> bool:
    return all(
        segment.dose is None for segment in timeline.unfold(course) if segment.to_on is None or segment.to_on > day
    )


def check_not_in_the_way(patient: Patient, course: Course, change: Change, *, today: date) -> None:
    """Raise `Refused` where a change would let doses be taken that an open procedure forbids."""
    if isinstance(change, Supersede):
        taken_back = course.changes[change.takes_back] if change.takes_back < len(course.changes) else None
        if isinstance(taken_back, Pause) and taken_back.cause is PauseCause.PROCEDURE and open_procedures(patient):
            raise Refused("This pause belongs to a procedure. Move or cancel the procedure instead.")
        return
    if not isinstance(change, (Resume, Restart, Begin)):
        return
    for one in open_procedures(patient):
        if one.on <= today:
            raise Refused(
                f"Not yet: the procedure of {day_in_words(one.on)} is not over. Say on its page since when no opioid "
                "is taken, and that it is over, before doses are taken again."
            )
        if one.no_dose_from_on is None or one.no_dose_from_on <= change.on:
            raise Refused(
                f"Not yet: there is a procedure on {day_in_words(one.on)}, and no dose is taken before it. "
                "Move or cancel the procedure first."
            )


def check_none_ahead(patient: Patient) -> None:
    """Raise `Refused` where a plan signed now would not pause for a procedure on record."""
    found = open_procedures(patient)
    if found:
        raise Refused(
            f"A procedure on {day_in_words(found[0].on)} is on record, and a new plan would not pause for it. "
            "Sign once it is over; or cancel it, sign, and enter it again."
        )
