"""Writing beside a course when the clinic wants to look at it."""

from datetime import date, timedelta

from django.db.models import Max

from common.night import night_of
from symptoms.models import SymptomLog
from titration.engine import timeline
from titration.engine.course import Course
from titration.engine.record import fold
from titration.models import Prescription, Step, Watch
from titration.selectors import trials as trials_selectors
from titration.selectors import worklist

_ONE_DAY = timedelta(days=1)


def project(prescription: Prescription, course: Course) -> None:
    """Work out anew what is written beside the course. Called with its row locked, whenever it has changed."""
    is_open = prescription.state in Prescription.OPEN_STATES
    told = SymptomLog.objects.filter(patient=prescription.patient).aggregate(last=Max("night"))["last"]
    before = _first_night(prescription) - _ONE_DAY
    Watch.objects.update_or_create(
        prescription=prescription,
        defaults={
            "clinic_id": prescription.clinic_id,
            "patient_id": prescription.patient_id,
            "heard_on": max(before, told) if told else before,
            "nightly": is_open and _climbs(course),
            "decide_on": _decide_on(prescription) if is_open else None,
        },
    )


def question_changed(prescription: Prescription) -> None:
    """The question of a trial was asked or answered."""
    Watch.objects.filter(prescription=prescription).update(decide_on=_decide_on(prescription))


def _climbs(course: Course) -> bool:
    """Whether a step, or the review of a lower dose that is tried, is still to come: then every night is expected to be
    told, held and paused ones with them. At a dose that goes on none is.
    """
    last = fold(course).entries[-1]
    return last.reviewed or (last.climbs and timeline.next_rung(course) is not None)


def _first_night(prescription: Prescription) -> date:
    """The first night the course could be told of. Of somebody who took it already, none before the signing counts:
    nobody could tell of those here.
    """
    if prescription.first_dose is None:
        return prescription.start_on
    return max(prescription.start_on, night_of(prescription.signed_at, prescription.patient.zone))


def _decide_on(prescription: Prescription) -> date | None:
    """The first day on which somebody has to decide; of a lower dose that is tried, the day it is over."""
    ends = Step.objects.filter(prescription=prescription, state__in=worklist.ENDS).order_by("from_on")
    question = trials_selectors.open_question(prescription)
    days = [ends.values_list("from_on", flat=True).first(), question.decide_on if question else None]
    return min((day for day in days if day is not None), default=None)
