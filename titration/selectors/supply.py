"""Questions about supplies: what a course's doses are made of, what is left of it, and whose refill is due."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db.models import Count, Max, Prefetch, QuerySet

from accounts.actors import Actor
from common.dose import Dose
from patients import selectors as patients_selectors
from patients.models import Patient
from symptoms.models import DoseTaken
from titration import papers
from titration.engine import effect, planner, stock, timeline
from titration.engine.course import Course
from titration.engine.formulation import Form, Unit
from titration.engine.planner import Night
from titration.engine.refusals import EngineRefusal
from titration.models import Fill, PaperEvent, Pharmacy, PlanChange, Prescription, PrescriptionPaper
from titration.selectors import courses

DAYS_AHEAD = 400
"""How far a supply is worked out: what lasts longer has no run-out date yet."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One course of the patient with its schedule: as intended while it is open, else as it was."""

    prescription: Prescription
    schedule: timeline.Timeline


@dataclass(frozen=True, kw_only=True)
class Supply:
    """A patient's fills, newest first, and how they stand on the patient's date; None where none is recorded."""

    fills: tuple[Fill, ...]
    standing: stock.Standing | None
    as_of: date


def line_of(prescription: Prescription, *, today: date) -> Line:
    """The course with its schedule, from rows that were read with its changes."""
    course = courses.course_of(prescription)
    is_open = prescription.state in Prescription.OPEN_STATES
    schedule = timeline.plan(course, as_of=today) if is_open else timeline.unfold(course)
    return Line(prescription=prescription, schedule=schedule)


def supply_of(patient: Patient, lines: Sequence[Line], *, at: datetime) -> Supply:
    """How one patient's supply stands, in two statements at most; `lines` are all of their courses."""
    return supplies_of([patient], {patient.id: lines}, at=at)[patient.id]


def supplies_of(
    patients: Sequence[Patient], lines: Mapping[uuid.UUID, Sequence[Line]], *, at: datetime
) -> dict[uuid.UUID, Supply]:
    """How several patients' supplies stand, in two statements however many they are."""
    fills: dict[uuid.UUID, list[Fill]] = defaultdict(list)
    rows = Fill.objects.filter(patient__in=[patient.id for patient in patients], withdrawn_at=None)
    for fill in rows.select_related("pharmacy").order_by("-on", "-recorded_at"):
        fills[fill.patient_id].append(fill)
    told = _told(fills)
    return {
        patient.id: _supply(
            fills[patient.id], lines.get(patient.id, ()), told[patient.id], at.astimezone(patient.zone).date()
        )
        for patient in patients
    }


def effect_of_change(prescription: Prescription, was: Course, will: Course, *, at: datetime) -> effect.Effect:
    """What a change of this course, from `was` to `will`, does to the patient's supply, in four statements.

    `at` is now; the days from the patient's today on are compared as intended. Raises `CannotBeMade` where a dose
    cannot be made of what the course is made of.
    """
    patient = prescription.patient
    today = at.astimezone(patient.zone).date()
    intended = timeline.plan(was, as_of=today)
    lines = _lines({patient.id: today})[patient.id]
    earlier = [line for line in lines if line.prescription.id != prescription.id]
    mine = Line(prescription=prescription, schedule=intended)
    fills = list(Fill.objects.filter(patient=patient, withdrawn_at=None))
    told = _told({patient.id: fills})[patient.id]
    return effect.supply_effect(
        intended,
        timeline.plan(will, as_of=today),
        courses.formulation_of(prescription),
        as_of=today,
        fills=[stock_fill(fill) for fill in fills],
        told=_taken(told, nights_of([*earlier, mine], today), today),
        before=[night for night in nights_of(earlier, today).values() if night.on < today],
    )


def _supply(fills: Sequence[Fill], lines: Sequence[Line], told: "list[_Told]", as_of: date) -> Supply:
    standing = None
    if fills:
        nights = nights_of(lines, as_of)
        standing = stock.standing(
            [stock_fill(fill) for fill in fills], list(nights.values()), as_of, told=_taken(told, nights, as_of)
        )
    return Supply(fills=tuple(fills), standing=standing, as_of=as_of)


def stock_fill(fill: Fill) -> stock.Fill:
    """The row as the engine counts it."""
    unit = Unit(Form(fill.form), fill.strength, Fraction(fill.grain))
    return stock.Fill(fill.on, unit, Fraction(fill.units), fill.lot, fill.beyond_use_on)


def nights_of(lines: Sequence[Line], today: date) -> dict[date, Night]:
    """Every day of these courses with its doses, in order; a later course has the say where two would overlap."""
    days: dict[date, Night] = {}
    for line in sorted(lines, key=lambda line: line.prescription.signed_at):
        until = today + DAYS_AHEAD * _ONE_DAY
        for one in schedule_nights(line.schedule, until_on=until):
            days[one.on] = one
    return dict(sorted(days.items()))


def schedule_nights(schedule: timeline.Timeline, *, until_on: date) -> Iterator[Night]:
    """The days of a schedule, from its first up to and without a date; of what follows its end the first day alone."""
    last = schedule[-1]
    if last.state is timeline.State.ENDED:
        until_on = min(until_on, last.from_on + _ONE_DAY)
    for one in timeline.days(schedule, schedule[0].from_on, until_on):
        yield _night(one)


def _night(one: timeline.Day) -> Night:
    """A day as what is taken on it; a dose that has no exact half is counted whole."""
    try:
        return planner.night(one.on, one.dose, one.time_of_day)
    except EngineRefusal:
        return planner.night(one.on, one.dose)


@dataclass(frozen=True)
class _Told:
    on: date
    slot: str
    taken: bool
    dose: Dose | None


def _told(fills: Mapping[uuid.UUID, Sequence[Fill]]) -> dict[uuid.UUID, list[_Told]]:
    """What was told of doses since each patient's first fill."""
    told: dict[uuid.UUID, list[_Told]] = defaultdict(list)
    first = min((fill.on for rows in fills.values() for fill in rows), default=None)
    if first is None:
        return told
    rows = DoseTaken.objects.filter(patient__in=list(fills), plan_date__gte=first)
    for patient_id, on, slot, taken, dose in (
        rows.exclude(taken=DoseTaken.Taken.NOT_YET)
        .order_by("plan_date", "slot")
        .values_list("patient_id", "plan_date", "slot", "taken", "taken_mg")
    ):
        told[patient_id].append(_Told(on, slot, taken == DoseTaken.Taken.TAKEN, dose))
    return told


def _taken(told: Iterable[_Told], nights: Mapping[date, Night], as_of: date) -> dict[date, tuple[Dose, ...]]:
    """The doses really taken on the days that were told of; an amount nobody gave is the schedule's."""
    by_day: dict[date, list[_Told]] = defaultdict(list)
    for one in told:
        if one.on <= as_of:
            by_day[one.on].append(one)
    return {on: _taken_on(rows, nights.get(on, Night(on, ())).doses) for on, rows in by_day.items()}


def _taken_on(rows: Sequence[_Told], planned: tuple[Dose, ...]) -> tuple[Dose, ...]:
    """Of a day in two halves each row tells of one; a half nobody told of counts as taken."""
    halves = len(planned) > 1 and all(row.slot != planner.SPLIT for row in rows)
    if not halves:
        taken = [row for row in rows if row.taken]
        said = tuple(row.dose for row in taken if row.dose)
        return said or (planned if taken else ())
    said = tuple(row.dose or half for row, half in zip(rows, planned, strict=False) if row.taken)
    return (*said, *planned[len(rows) :])


def unit_prices(fills: Iterable[Fill]) -> dict[Unit, Decimal]:
    """What one unit of each strength cost last, where that is known: the newest fill with a price says it."""
    prices: dict[Unit, Decimal] = {}
    for fill in sorted((fill for fill in fills if fill.price is not None), key=lambda fill: fill.on):
        prices[stock_fill(fill).unit] = (fill.price or Decimal(0)) / fill.units
    return prices


def pharmacies(actor: Actor, *, all_of_them: bool = False) -> list[Pharmacy]:
    """The clinic's pharmacies by name; those no longer asked only where all are wanted."""
    found = Pharmacy.objects.filter(clinic_id=actor.clinic_id)
    return list((found if all_of_them else found.filter(left_at=None)).order_by("name", "id"))


@dataclass(frozen=True, kw_only=True)
class Lot:
    """One lot as it stands on labels, with how many patients of theirs this member sees were given it."""

    key: str
    lot: str
    pharmacy: str
    patients: int
    last_on: date


def lot_key(lot: str) -> str:
    """A lot as labels are compared: without case and spaces."""
    return "".join(lot.split()).upper()


def lots(actor: Actor, *, most: int = 200) -> list[Lot]:
    """The lots that the patients this member may know of were given, the newest first."""
    rows = (
        _visible_fills(actor)
        .exclude(lot_key="")
        .values("lot_key")
        .annotate(
            label=Max("lot"),
            made_by=Max("pharmacy__name"),
            patients=Count("patient", distinct=True),
            last=Max("on"),
        )
        .order_by("-last", "lot_key")
    )
    return [
        Lot(
            key=row["lot_key"],
            lot=row["label"],
            pharmacy=row["made_by"] or "",
            patients=row["patients"],
            last_on=row["last"],
        )
        for row in rows[:most]
    ]


def fills_of_lot(actor: Actor, lot: str) -> list[Fill]:
    """Every fill of this lot among the patients this member may know of, by name, with patient and pharmacy."""
    found = _visible_fills(actor).filter(lot_key=lot_key(lot)).exclude(lot_key="")
    return list(found.select_related("patient", "pharmacy").order_by("patient__sort_key", "patient_id", "on"))


def visible_fill(actor: Actor, fill_id: uuid.UUID) -> Fill | None:
    """One fill of a patient this member may know of for longer than an emergency."""
    return _visible_fills(patients_selectors.lasting(actor)).filter(id=fill_id).select_related("patient").first()


def _visible_fills(actor: Actor) -> QuerySet[Fill]:
    return Fill.objects.filter(patient__in=patients_selectors.visible_to(actor), withdrawn_at=None)


@dataclass(frozen=True, kw_only=True)
class RefillDue:
    """An open course whose refill is due by what is really left now, and the newest prescription on its way."""

    prescription: Prescription
    standing: stock.Standing
    as_of: date
    paper: PrescriptionPaper | None


def refills_due(
    actor: Actor, *, at: datetime, among: QuerySet[Patient] | None = None, most: int | None = None
) -> list[RefillDue]:
    """The refills that are due, what runs out first on top, in seven statements however many there are.

    Whose turn it is says the projection beside the course, which errs on the early side; what is left is worked out
    anew, so that whoever left doses out is not called too early. `among` narrows to some patients; `most` is how many
    are looked at, those first whose turn came first.
    """
    newest = PrescriptionPaper.objects.exclude(state=PrescriptionPaper.State.VOID).defer("content")
    known = patients_selectors.visible_to(actor) if among is None else among
    rows = refills_to_look_at(actor, known, at=at)
    prescriptions = list(
        rows.select_related("patient")
        .prefetch_related(Prefetch("papers", newest.order_by("-drafted_at"), to_attr="newest"))
        .order_by("refill_due_on", "patient_id")[:most]
    )
    supplies = supplies_by_rows([prescription.patient for prescription in prescriptions], at=at)
    found = [due for p in prescriptions if (due := _refill_due(p, supplies[p.patient_id]))]
    return sorted(found, key=_what_runs_out_first)


def refills_to_look_at(actor: Actor, among: QuerySet[Patient], *, at: datetime) -> QuerySet[Prescription]:
    """The open courses of these patients whose refill could be due, wherever the patient is."""
    return Prescription.objects.filter(
        clinic_id=actor.clinic_id,
        patient__in=among,
        state__in=Prescription.OPEN_STATES,
        refill_due_on__lte=at.date() + _ONE_DAY,
    )


def _what_runs_out_first(due: RefillDue) -> tuple[date, str]:
    return (due.prescription.run_out_on or date.max, due.prescription.patient.sort_key)


def supplies_by_rows(patients: Sequence[Patient], *, at: datetime) -> dict[uuid.UUID, Supply]:
    """The same as `supplies_of` where the courses have not been read yet: four statements, or none for nobody."""
    if not patients:
        return {}
    today = {patient.id: at.astimezone(patient.zone).date() for patient in patients}
    return supplies_of(patients, _lines(today), at=at)


def _lines(today: Mapping[uuid.UUID, date]) -> dict[uuid.UUID, list[Line]]:
    """The courses of these patients, each with the patient's date, in two statements."""
    lines: dict[uuid.UUID, list[Line]] = defaultdict(list)
    changes = PlanChange.objects.select_related("protocol_version").order_by("number")
    rows = Prescription.objects.filter(patient__in=list(today)).prefetch_related(Prefetch("changes", changes))
    for prescription in rows:
        lines[prescription.patient_id].append(line_of(prescription, today=today[prescription.patient_id]))
    return lines


def _refill_due(prescription: Prescription, supply: Supply) -> RefillDue | None:
    standing = supply.standing
    if standing is None or standing.refill_due_on is None or standing.refill_due_on > supply.as_of:
        return None
    last_fill = supply.fills[0].on
    papers = [paper for paper in prescription.newest if paper.drafted_at.date() >= last_fill]
    return RefillDue(
        prescription=prescription, standing=standing, as_of=supply.as_of, paper=papers[0] if papers else None
    )


def papers_of(patient: Patient) -> list[PrescriptionPaper]:
    """The patient's prescriptions on paper, the newest first, without their words."""
    return list(PrescriptionPaper.objects.filter(patient=patient).defer("content").order_by("-drafted_at")[:20])


def visible_paper(actor: Actor, paper_id: uuid.UUID) -> PrescriptionPaper | None:
    """One prescription on paper of a patient this member may know of for longer than an emergency."""
    visible = patients_selectors.visible_to(patients_selectors.lasting(actor))
    rows = PrescriptionPaper.objects.filter(patient__in=visible, id=paper_id)
    return rows.select_related("patient", "prescription").first()


def happened_to(paper: PrescriptionPaper) -> list[PaperEvent]:
    """What happened to it, in order."""
    return list(PaperEvent.objects.filter(paper=paper).order_by("at", "id"))


@dataclass(frozen=True, kw_only=True)
class PrintedSchedule:
    """The patient's schedule as it was last printed. `counts`: it still says what is intended; else it is void."""

    version: int
    on: date
    counts: bool


def printed_schedule(patient: Patient, *, at: datetime) -> PrintedSchedule | None:
    """The schedule that the patient was last given on paper, if any, and whether it still says what is intended."""
    rows = Prescription.objects.filter(patient=patient).exclude(printed_schedule=None)
    changes = PlanChange.objects.select_related("protocol_version").order_by("number")
    newest = rows.prefetch_related(Prefetch("changes", changes)).order_by("-signed_at").first()
    if newest is None or newest.printed_schedule is None:
        return None
    said, today = newest.printed_schedule, at.astimezone(patient.zone).date()
    schedule, until_on = line_of(newest, today=today).schedule, date.fromisoformat(said["lines"][-1][1])
    now = papers.runs(schedule, from_on=today, until_on=until_on)
    # The days of a plan that waits for its medicine move on by themselves.
    waits = newest.awaiting and newest.begun_on is None
    says_so = waits or papers.still_says(said["lines"], papers.lines(now), today=today)
    return PrintedSchedule(
        version=said["version"],
        on=date.fromisoformat(said["on"]),
        counts=newest.state in Prescription.OPEN_STATES and says_so,
    )
