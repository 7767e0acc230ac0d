"""What the rules look at, read from the rows: a fixed number of statements for however many patients."""

import functools
import operator
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db.models import Q

from common.dose import Dose
from common.night import Slot
from common.refusals import Refused
from patients import lab_selectors, labs, medicines, selectors_consent
from patients import selectors as patients_selectors
from patients.medicine_list import Listed
from patients.models import LabResult, Patient, Screening, ScreeningDecision
from symptoms import instrument_files
from symptoms.models import Assessment as AssessmentRow
from symptoms.models import DoseTaken, OpioidReport, SymptomLog
from symptoms.rhythm import Given
from titration.engine import planner, stock, timeline
from titration.engine.advice import window
from titration.engine.advice.case import Assessment, Case, Lab, Medicine, Night, Other, Procedure, Product, Supply
from titration.engine.course import Course
from titration.engine.evidence import Differing
from titration.engine.formulation import Form, Unit
from titration.engine.planner import Part
from titration.models import Fill, Prescription
from titration.models import Procedure as ProcedureRow
from titration.selectors import assessments as assessments_selectors
from titration.selectors import courses, procedures, reported
from titration.selectors import labs as labs_selectors
from titration.selectors import supply as supply_selectors
from titration.selectors.reported import Clarified

TRIPPING = (SymptomLog.OtherMedicines.YES, SymptomLog.OtherMedicines.UNSURE)


@dataclass(frozen=True, kw_only=True)
class Known:
    """A patient's case, and the course it was built around: the open one, else the last. None before any."""

    case: Case
    prescription: Prescription | None


_Stretch = tuple[uuid.UUID, date, date]
"""Of a patient, from a night up to and without another."""

Builder = Callable[[], Known]
"""Builds one patient's case from what was read for all: it may raise, and then for this patient alone."""


def case_of(patient: Patient, *, at: datetime) -> Known:
    """One patient's case, as known at a moment."""
    return cases_of([patient], at=at)[patient.id]()


def cases_of(patients: Sequence[Patient], *, at: datetime) -> dict[uuid.UUID, Builder]:
    """The case of each patient, read in as many statements as for one."""
    read = _Read(patients, at)
    return {patient.id: _Build(read, patient, at) for patient in patients}


@dataclass(frozen=True)
class _Build:
    read: "_Read"
    patient: Patient
    at: datetime

    def __call__(self) -> Known:
        return self.read.known(self.patient, self.at)


class _Read:
    """The rows of several patients, by patient."""

    def __init__(self, patients: Sequence[Patient], at: datetime) -> None:
        ids = [patient.id for patient in patients]
        self.prescriptions = _last_prescriptions(ids)
        self.unfolded: dict[uuid.UUID, tuple[Course | None, timeline.Timeline]] = {}
        asked = [stretch for patient in patients for stretch in self._stretches(patient, at)]
        self.conditions = patients_selectors.conditions_of_many(ids)
        self.fills = _fills(ids)
        self.reviewed, self.answered = _reviewed(patients)
        self.medicines = patients_selectors.medicines_of_many(ids)
        self.assessments = _assessments(ids)
        self.procedures = _procedures(ids)
        self.opioid_days = procedures.told_days([row for rows in self.procedures.values() for row in rows])
        self.screened = _screened(ids)
        self.labs = lab_selectors.standing_labs(ids)
        self.left = self._left(patients, at)
        self.consents = _consents(patients, self.conditions, at)
        open_ones = _open_ones(patients, self.prescriptions)
        self.labs_due = self._labs_due(open_ones, at)
        self.questionnaires_due = _questionnaires_due(open_ones, self.assessments, self.conditions, at)
        self.clarified = reported.clarified(ids)
        self.otherwise = reported.told_otherwise(self._long_climbing(patients, at), clarified=self.clarified)
        self.doses = _doses(ids, asked)
        self.logs = _logs(ids, asked)

    def _stretches(self, patient: Patient, at: datetime) -> Iterator[_Stretch]:
        """The nights that the rules look at; of a course that cannot be read the usual ones."""
        try:
            _, in_force = self._course(patient.id)
        except Refused:
            in_force = ()
        for from_on, to_on in window.stretches(in_force, courses.patient_date(patient, at=at)):
            yield patient.id, from_on, to_on

    def _course(self, patient_id: uuid.UUID) -> tuple[Course | None, timeline.Timeline]:
        """The course and what of it is in force, worked out once; raises where it cannot be read."""
        if patient_id not in self.unfolded:
            prescription = self.prescriptions.get(patient_id)
            course = courses.course_of(prescription) if prescription else None
            self.unfolded[patient_id] = (course, timeline.unfold(course) if course else ())
        return self.unfolded[patient_id]

    def _long_climbing(self, patients: Sequence[Patient], at: datetime) -> list[uuid.UUID]:
        """Those with a step to come whose course is older than the nights that are read: a dose told otherwise waits
        for somebody however old it is.
        """
        found = []
        for patient in patients:
            prescription = self.prescriptions.get(patient.id)
            since = window.read_from(courses.patient_date(patient, at=at))
            if prescription and prescription.next_due_on is not None and prescription.start_on < since:
                found.append(patient.id)
        return found

    def _left(self, patients: Sequence[Patient], at: datetime) -> dict[uuid.UUID, stock.Standing | None]:
        """What is left in the hands of those whose refill is due: counting it costs more than the rest together."""
        due = [one for one in patients if _refill_is_due(self.prescriptions.get(one.id), one, at)]
        if not due:
            return {}
        found = supply_selectors.supplies_by_rows(due, at=at)
        return {patient_id: supply.standing for patient_id, supply in found.items()}

    def _labs_due(
        self, open_ones: Sequence[Prescription], at: datetime
    ) -> dict[uuid.UUID, tuple[tuple[str, tuple[str, ...]], ...]]:
        """Why tests are due and which, by what they are called, of those on an open course."""
        found = labs_selectors.due_of(open_ones, self.conditions, self.medicines, at=at)
        return {
            patient_id: tuple((one.why, tuple(labs.tests()[code].name for code in one.codes)) for one in due)
            for patient_id, due in found.items()
        }

    def known(self, patient: Patient, at: datetime) -> Known:
        today = courses.patient_date(patient, at=at)
        prescription = self.prescriptions.get(patient.id)
        course, in_force = self._course(patient.id)
        fills = self.fills[patient.id]
        weight_kg = course.protocol.by_weight.weight_kg if course and course.protocol.by_weight else None
        case = Case(
            today=today,
            starts_on=course.start_on if course else None,
            first_dose_on=_first_dose_on(prescription, in_force),
            in_force=in_force,
            due=timeline.next_step(course) if course and prescription and _is_open(prescription) else None,
            target=prescription.target_dose if prescription else None,
            retitrate_from_days=course.retitrate_from_days if course else Case(today=today).retitrate_from_days,
            awaiting=bool(prescription and prescription.awaiting and prescription.begun_on is None),
            ended=_is_over(prescription, in_force, today),
            fixed_dose_protocol=bool(course) and len(course.protocol.rungs) == 1 if course else False,
            born_on=patient.birth_date,
            sex=patient.sex,
            weight_kg=weight_kg,
            weighed_on=_signed_on(prescription, patient) if weight_kg is not None else None,
            conditions=self.conditions[patient.id],
            screening=self.screened[patient.id].answers,
            co_signed=self.screened[patient.id].decided,
            labs=tuple(_lab(row) for row in self.labs[patient.id]),
            procedures=tuple(
                _procedure(row, self.opioid_days[row.id], patient, today) for row in self.procedures[patient.id]
            ),
            medicines=tuple(
                _medicine(listed, today, self.answered[patient.id].get((listed.id, listed.words)))
                for listed in self.medicines[patient.id]
            ),
            assessments=tuple(self.assessments[patient.id]),
            nights=self._nights(patient),
            products=tuple(_product(fill) for fill in fills),
            supply=_supply(prescription, fills, self.left.get(patient.id), today),
            makeable=_makeable(prescription, fills, today),
            washout_decided=prescription is not None,
            differing=self._differing(patient.id, in_force, today),
            ladder=tuple(rung.dose for rung in course.protocol.rungs) if course else (),
            consent_due=self.consents.get(patient.id, ""),
            labs_due=self.labs_due.get(patient.id, ()),
            questionnaires_due=self.questionnaires_due.get(patient.id, ()),
            read_from=window.read_from(today),
        )
        return Known(case=case, prescription=prescription)

    def _differing(self, patient_id: uuid.UUID, in_force: timeline.Timeline, today: date) -> tuple[Differing, ...]:
        """What was taken otherwise than prescribed, and that nobody has looked into."""
        clarified, found = self.clarified.get(patient_id), []
        for on, doses in sorted(self.doses[patient_id].items()):
            told = _taken_mg(doses)
            segment = timeline.segment_on(in_force, on)
            planned = segment.dose_on(on) if segment else None
            if told is None or planned is None or segment is None or _is_clear(clarified, on, doses):
                continue
            # Of a day in two halves only one may have been told.
            if told > planned or (told < planned and segment.time_of_day is not Slot.SPLIT):
                found.append(Differing(on, told, planned))
        known = {one.on for one in found}
        older = reported.differing(in_force, self.otherwise.get(patient_id, ()), end=today + timedelta(days=1))
        return tuple(sorted([*found, *(one for one in older if one.on not in known)], key=lambda one: one.on))

    def _nights(self, patient: Patient) -> tuple[Night, ...]:
        doses, logs, reviewed = self.doses[patient.id], self.logs[patient.id], self.reviewed[patient.id]
        clarified, found = self.clarified.get(patient.id), []
        for day in sorted({*doses, *logs}):
            told = doses.get(day, ())
            on = clarified.at.astimezone(patient.zone).date() if clarified and _is_clear(clarified, day, told) else None
            found.append(_night(day, logs.get(day), told, answered_on=reviewed.get(day), clarified_on=on))
        return tuple(found)


def _is_open(prescription: Prescription) -> bool:
    return prescription.state in Prescription.OPEN_STATES


def _is_over(prescription: Prescription | None, in_force: timeline.Timeline, today: date) -> bool:
    """Whether the course has ended: nothing more is taken of it from today on."""
    if prescription is None:
        return False
    segment = timeline.segment_on(in_force, today)
    return not _is_open(prescription) or bool(segment and segment.state is timeline.State.ENDED)


def _first_dose_on(prescription: Prescription | None, in_force: timeline.Timeline) -> date | None:
    """The day of the first dose of this course; of who took it before, the first ever. None while it is awaited."""
    if prescription is None:
        return None
    if prescription.taking_since is not None:
        return prescription.taking_since
    return next((segment.from_on for segment in in_force if segment.dose is not None), None)


def _last_prescriptions(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Prescription]:
    """Of each patient the course signed last: the open one, if there is one."""
    last = Prescription.objects.filter(patient_id__in=ids).order_by("patient_id", "-signed_at").distinct("patient_id")
    return {prescription.patient_id: prescription for prescription in courses.with_changes(last)}


def _consents(
    patients: Sequence[Patient], conditions: dict[uuid.UUID, frozenset[str]], at: datetime
) -> dict[uuid.UUID, str]:
    """Why consent is due; the patients of one look are one clinic's."""
    if not patients:
        return {}
    return selectors_consent.reasons_due(patients, conditions, clinic_id=patients[0].clinic_id, at=at)


def _open_ones(patients: Sequence[Patient], prescriptions: dict[uuid.UUID, Prescription]) -> list[Prescription]:
    """The courses of those on an open one, each with its patient."""
    found = []
    for patient in patients:
        prescription = prescriptions.get(patient.id)
        if prescription is not None and _is_open(prescription):
            prescription.patient = patient
            found.append(prescription)
    return found


def _questionnaires_due(
    open_ones: Sequence[Prescription],
    assessments: Mapping[uuid.UUID, Sequence[Assessment]],
    conditions: Mapping[uuid.UUID, frozenset[str]],
    at: datetime,
) -> dict[uuid.UUID, tuple[tuple[str, date], ...]]:
    """What those on an open course are asked to answer, by name, and since when. A longer form that follows a shorter
    one is R20's to ask for, the same day.
    """
    names = {one.id: one.name for one in instrument_files.cleared() if not one.begins_with}
    found = {}
    for prescription in open_ones:
        patient_id = prescription.patient_id
        # Oldest first: the newest answers to an instrument stay.
        given = {one.instrument: Given(on=one.on, score=one.score) for one in assessments.get(patient_id, ())}
        due = assessments_selectors.due_of(prescription, given, conditions[patient_id], at=at)
        found[patient_id] = tuple((names[one.instrument], one.since) for one in due if one.instrument in names)
    return found


def _fills(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Fill]]:
    """What was dispensed, oldest first."""
    found: dict[uuid.UUID, list[Fill]] = defaultdict(list)
    for fill in Fill.objects.filter(patient_id__in=ids, withdrawn_at=None).order_by("on", "recorded_at"):
        found[fill.patient_id].append(fill)
    return found


def _product(fill: Fill) -> Product:
    return Product(
        on=fill.on,
        lot=fill.lot_key,
        form=fill.form,
        filler=fill.filler,
        pharmacy=str(fill.pharmacy_id or ""),
    )


def _refill_is_due(prescription: Prescription | None, patient: Patient, at: datetime) -> bool:
    if prescription is None or prescription.refill_due_on is None or not _is_open(prescription):
        return False
    return prescription.refill_due_on <= courses.patient_date(patient, at=at)


def _signed_on(prescription: Prescription | None, patient: Patient) -> date | None:
    """The patient's date on which the course was signed: a weight that it goes by was said then."""
    return prescription.signed_at.astimezone(patient.zone).date() if prescription else None


def _supply(
    prescription: Prescription | None, fills: Sequence[Fill], left: stock.Standing | None, today: date
) -> Supply | None:
    """How far what is in hand reaches, as last worked out; None where nothing was recorded."""
    if prescription is None or not fills or not _is_open(prescription):
        return None
    keeping = [fill.beyond_use_on for fill in fills if fill.beyond_use_on and fill.beyond_use_on >= today]
    return Supply(
        refill_due_on=prescription.refill_due_on,
        run_out_on=prescription.run_out_on,
        beyond_use_on=min(keeping, default=None),
        units_left=" and ".join(Part(unit, amount).words for unit, amount in left.left.items()) if left else "",
    )


def _makeable(prescription: Prescription | None, fills: Sequence[Fill], today: date) -> frozenset[Dose] | None:
    """The doses that what is in hand makes; of who has no fill on record nobody knows."""
    if prescription is None or not fills:
        return None
    if prescription.run_out_on is not None and prescription.run_out_on <= today:
        return frozenset()
    keeping = [fill for fill in fills if fill.beyond_use_on is None or fill.beyond_use_on >= today]
    return planner.possible(Unit(Form(fill.form), fill.strength, Fraction(fill.grain)) for fill in keeping)


_Line = tuple[uuid.UUID | None, str]
"""A line of the list, and its words as they were when it was reported."""


def _reviewed(
    patients: Sequence[Patient],
) -> tuple[dict[uuid.UUID, dict[date, date | None]], dict[uuid.UUID, dict[_Line, date | None]]]:
    """When the clinic answered, on the patient's date: by night what it had told, by line and words what was listed.

    The last report of a night or of a line is the one that counts: what was told anew is answered anew.
    """
    zones = {patient.id: patient.zone for patient in patients}
    nights: dict[uuid.UUID, dict[date, date | None]] = defaultdict(dict)
    lines: dict[uuid.UUID, dict[_Line, date | None]] = defaultdict(dict)
    rows = OpioidReport.objects.filter(patient_id__in=list(zones)).select_related("review").order_by("at")
    for report in rows:
        review = getattr(report, "review", None)
        on = review.at.astimezone(zones[report.patient_id]).date() if review else None
        if report.answer == OpioidReport.LISTED:
            lines[report.patient_id][report.medicine_id, report.words] = on
        else:
            nights[report.patient_id][report.night] = on
    return nights, lines


_Dose = tuple[str, Dose | None, datetime | None, str, datetime]
"""What became of one planned dose: taken, mg, UTC, why it was skipped, and when that was told."""


def _is_clear(clarified: Clarified | None, on: date, doses: Iterable[_Dose]) -> bool:
    """Whether somebody has found out what was really taken on a day, after all of it had been told."""
    return clarified is not None and all(clarified.covers(on, told_at) for *_, told_at in doses)


def _within(column: str, asked: Sequence[_Stretch]) -> Q:
    """The rows in these stretches: each is one range of an index, and the same one is asked of many at once."""
    whose: dict[tuple[date, date], list[uuid.UUID]] = defaultdict(list)
    for patient, first, past in asked:
        whose[first, past].append(patient)
    stretches = (
        Q(**{"patient_id__in": patients, f"{column}__gte": first, f"{column}__lt": past})
        for (first, past), patients in whose.items()
    )
    return functools.reduce(operator.or_, stretches, Q(pk=None))


def _doses(ids: Sequence[uuid.UUID], asked: Sequence[_Stretch]) -> dict[uuid.UUID, dict[date, list[_Dose]]]:
    found: dict[uuid.UUID, dict[date, list[_Dose]]] = defaultdict(lambda: defaultdict(list))
    rows = DoseTaken.objects.filter(_within("plan_date", asked), patient_id__in=ids)
    rows = rows.exclude(taken=DoseTaken.Taken.NOT_YET).order_by("slot")
    columns = ("patient_id", "plan_date", "taken", "taken_mg", "taken_at", "skipped_because", "recorded_at")
    for patient_id, on, *dose in rows.values_list(*columns):
        found[patient_id][on].append(tuple(dose))
    return found


_LOG = (
    *("sleep_hours", "latency_min", "awake_min", "quality", "dream_vividness", "dream_distress"),
    *("pain", "fatigue", "lead_symptom"),
)


def _logs(ids: Sequence[uuid.UUID], asked: Sequence[_Stretch]) -> dict[uuid.UUID, dict[date, dict[str, object]]]:
    found: dict[uuid.UUID, dict[date, dict[str, object]]] = defaultdict(dict)
    by_code = ("side_effects", "condition_answers")
    columns = ("patient_id", "night", *by_code, "other_medicines_answer", "other_medicines", *_LOG)
    rows = SymptomLog.objects.filter(_within("night", asked), patient_id__in=ids)
    for patient_id, night, *told in rows.values_list(*columns):
        found[patient_id][night] = dict(zip(columns[2:], told, strict=True))
    return found


def _night(
    day: date,
    log: dict[str, object] | None,
    doses: Iterable[_Dose],
    *,
    answered_on: date | None,
    clarified_on: date | None,
) -> Night:
    told = {name: log[name] for name in _LOG} if log else {}
    scales, menstruating = _of_conditions(dict(log["condition_answers"])) if log else ({}, None)  # type: ignore[call-overload]
    return Night(
        night=day,
        **_dose_columns(list(doses)),  # type: ignore[arg-type]
        **told,  # type: ignore[arg-type]
        severities=dict(log["side_effects"]) if log else {},  # type: ignore[call-overload]
        scales=scales,
        menstruating=menstruating,
        other=_other(log) if log else None,
        opioid_answered_on=answered_on,
        clarified_on=clarified_on,
    )


def _of_conditions(answers: dict[str, int]) -> tuple[dict[str, Decimal], bool | None]:
    """What only some conditions are asked, as the rules read it: numbers by code, and whether there was bleeding."""
    bleeding = answers.pop("menstruating", None)
    return {code: Decimal(value) for code, value in answers.items()}, None if bleeding is None else bool(bleeding)


def _dose_columns(doses: Sequence[_Dose]) -> dict[str, object]:
    """One dose of two halves is taken where both are; its amount is their sum."""
    if not doses:
        return {}
    taken = [dose for dose in doses if dose[0] == DoseTaken.Taken.TAKEN]
    return {
        "taken": len(taken) == len(doses),
        "taken_mg": _taken_mg(doses),
        "taken_at": max((at for _, _, at, _, _ in taken if at is not None), default=None),
        "skipped_because": next((why for _, _, _, why, _ in doses if why), ""),
    }


def _taken_mg(doses: Sequence[_Dose]) -> Dose | None:
    """What was taken of a day's doses together; None where no amount is known."""
    amounts = [mg for taken, mg, *_ in doses if taken == DoseTaken.Taken.TAKEN and mg is not None]
    return sum(amounts[1:], start=amounts[0]) if amounts else None


def _other(log: dict[str, object]) -> Other | None:
    """What was answered about other medicines, as it was recognised; None for no, and where nothing was answered."""
    answer, words = log["other_medicines_answer"], str(log["other_medicines"])
    if answer not in TRIPPING:
        return None
    named = medicines.recognise(words).as_an_answer
    return Other(words=words, medicine_class=named, unsure=answer == SymptomLog.OtherMedicines.UNSURE)


def _medicine(listed: Listed, today: date, answered_on: date | None) -> Medicine:
    """A line for the rules: what goes on may have been taken today, whatever day was last told of.

    `answered_on` is the day on which the clinic answered what the line had set off; words changed since ask anew.
    """
    return Medicine(
        words=listed.words,
        medicine_class=listed.medicine_class,
        from_on=listed.started_on,
        until_on=listed.stopped_on,
        last_taken_on=listed.last_dose_on(today),
        answered_on=answered_on,
    )


def _lab(row: LabResult) -> Lab:
    return Lab(
        code=row.code,
        on=row.taken_on,
        value=row.value,
        unit=row.unit,
        low=row.low,
        high=row.high,
        comparator=row.comparator,
    )


def _procedures(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[ProcedureRow]]:
    found: dict[uuid.UUID, list[ProcedureRow]] = defaultdict(list)
    for row in ProcedureRow.objects.filter(patient_id__in=ids).order_by("on", "recorded_at"):
        found[row.patient_id].append(row)
    return found


def _procedure(row: ProcedureRow, told: Mapping[date, bool], patient: Patient, today: date) -> Procedure:
    """By the patient's clock."""
    closed_at, after = row.cancelled_at or row.done_at, procedures.after(row, told, today=today)
    return Procedure(
        on=row.on,
        at=datetime.combine(row.on, row.time, tzinfo=patient.zone) if row.time else None,
        entered_on=row.recorded_at.astimezone(patient.zone).date(),
        opioid_free_since_on=after.since_on,
        told_to=max(told, default=None) if row.is_open else None,
        hours=row.hours,
        free_days=after.days,
        short_course=row.short_course,
        closed_on=closed_at.astimezone(patient.zone).date() if closed_at else None,
    )


def _assessments(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Assessment]]:
    """The questionnaires answered, oldest first; of one day the one answered last counts, but the worst item 9."""
    found: dict[uuid.UUID, dict[tuple[str, date], Assessment]] = defaultdict(dict)
    rows = AssessmentRow.objects.filter(patient_id__in=ids).order_by("on", "at")
    for patient_id, instrument, on, score, item9 in rows.values_list(
        "patient_id", "instrument", "on", "score", "item9"
    ):
        before = found[patient_id].get((instrument, on))
        told = [one for one in (item9, before.item9 if before else None) if one is not None]
        found[patient_id][instrument, on] = Assessment(
            instrument=instrument, on=on, score=score, item9=max(told, default=None)
        )
    return defaultdict(list, {patient_id: list(answers.values()) for patient_id, answers in found.items()})


@dataclass(frozen=True)
class _Screened:
    """What a screening answered, and the codes that a clinician has decided on."""

    answers: Mapping[str, str]
    decided: frozenset[str]


def _screened(ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, _Screened]:
    """The screening last confirmed. What the patient has since said yes to, or is not sure of, counts before anybody
    confirms it, once they have sent it; a yes of theirs stays until then.
    """
    confirmed: dict[uuid.UUID, uuid.UUID] = {}
    answers: dict[uuid.UUID, dict[str, str]] = defaultdict(dict)
    unsure: dict[uuid.UUID, set[str]] = defaultdict(set)
    rows = Screening.objects.filter(patient_id__in=ids).order_by("number")
    columns = ("id", "patient_id", "state", "answers", "about")
    for screening_id, patient_id, state, told, about in rows.values_list(*columns):
        if about.get(Screening.UNSENT):
            continue
        if state == Screening.State.CONFIRMED:
            confirmed[patient_id], answers[patient_id] = screening_id, dict(told)
            unsure[patient_id].clear()
        elif state in (Screening.State.TELLING, Screening.State.ANSWERED):
            answers[patient_id] |= {code: answer for code, answer in told.items() if answer == "yes"}
            unsure[patient_id] |= {code for code, answer in told.items() if answer == "unsure"}
            unsure[patient_id] -= {code for code, answer in told.items() if answer == "no"}
    for patient_id, codes in unsure.items():
        answers[patient_id] |= {code: "unsure" for code in codes if answers[patient_id].get(code) != "yes"}
    decided: dict[uuid.UUID, set[str]] = defaultdict(set)
    decisions = ScreeningDecision.objects.filter(patient_id__in=ids)
    for patient_id, screening_id, code in decisions.values_list("patient_id", "screening_id", "code"):
        if confirmed.get(patient_id) == screening_id:
            decided[patient_id].add(code)
    return defaultdict(
        lambda: _Screened({}, frozenset()),
        {patient_id: _Screened(told, frozenset(decided[patient_id])) for patient_id, told in answers.items()},
    )
