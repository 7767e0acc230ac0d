"""A patient's page, put together from its parts."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from charts import nights as charts_nights
from charts import series
from desk.presenters.badges import Badge
from desk.presenters.chart import NIGHTS_SHOWN, Drawn, aligned, dose_bands, drawn, first_shown, new_lots
from desk.presenters.days import day, moment
from desk.presenters.findings import Alert, alert
from desk.presenters.history import PlanHistory, plan_history
from desk.presenters.medicines import Written, written
from desk.presenters.nights import NightRow, night_rows
from desk.presenters.papers import PaperLine
from desk.presenters.papers import line as paper_line
from desk.presenters.person import Person, condition_names, lead_symptom, person
from desk.presenters.plan import Plan, PlanCard, StepDue, next_untold, plan_card, step_due
from desk.presenters.reports import Reported, reported
from desk.presenters.screening import badge as screening_badge
from desk.presenters.supply import Strip, strip
from patients.selectors import InvitationState, PhoneState, Record
from symptoms.models import OpioidReport
from titration import rule_book
from titration.engine import gate, timeline
from titration.models import Finding, PrescriptionPaper
from titration.selectors.supply import Supply

COPIED_SHOWN = timedelta(days=30)


@dataclass(frozen=True)
class PhoneLine:
    id: uuid.UUID
    let_in: str
    until: str


def phone_lines(phones: Iterable[PhoneState], *, zone: ZoneInfo, at: datetime) -> list[PhoneLine]:
    """The phones that may write now."""
    return [
        PhoneLine(phone.id, moment(phone.let_in_at, zone), day(phone.expires_at.astimezone(zone).date()))
        for phone in phones
        if phone.copied_at is None and phone.expires_at > at
    ]


def copied_words(phones: Iterable[PhoneState], *, zone: ZoneInfo, at: datetime) -> str:
    """What to say of phones turned away lately because their key may have been copied; empty where there is none."""
    lately = [phone.copied_at for phone in phones if phone.copied_at and phone.copied_at > at - COPIED_SHOWN]
    if not lately:
        return ""
    return (
        f"On {moment(max(lately), zone)} a phone was turned away: its key was used twice, as if copied. "
        "Ask the patient whether the phone was out of their hands, and invite them again."
    )


def invitation_words(invitation: InvitationState | None, *, zone: ZoneInfo, at: datetime) -> str:
    """How the newest invitation stands; empty where none waits to be opened."""
    if invitation is None:
        return ""
    if invitation.expires_at <= at:
        return f"The invitation of {moment(invitation.created_at, zone)} has expired unopened."
    until = day(invitation.expires_at.astimezone(zone).date())
    if invitation.mailed_at is None:
        return f"An invitation was made on {moment(invitation.created_at, zone)} but its mail was not sent."
    return f"Invited on {moment(invitation.mailed_at, zone)}; not opened yet, good until {until}."


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the page is made of: rows read and values the engine gave, all of one moment."""

    record: Record
    plans: Sequence[Plan]
    logs: Sequence[Any]
    doses: Sequence[Any]
    reports: Sequence[OpioidReport]
    findings: Sequence[Finding]
    verdict: gate.Verdict | None
    supply: Supply
    papers: Sequence[PrescriptionPaper]
    zone: ZoneInfo
    at: datetime
    whole: bool
    before: date | None

    @property
    def today(self) -> date:
        return self.at.astimezone(self.record.patient.zone).date()


@dataclass(frozen=True)
class Page:
    person: Person
    conditions: tuple[str, ...]
    lead: str
    medicines: tuple[Written, ...]
    screening: Badge
    note: str
    email: str
    care_ended_words: str
    address_failed: bool
    reports: tuple[Reported, ...]
    alerts: tuple[Alert, ...]
    card: PlanCard | None
    due: StepDue | None
    supply: Strip | None
    papers: tuple[PaperLine, ...]
    history: tuple[PlanHistory, ...]
    chart: Drawn | None
    whole: bool
    nights: tuple[NightRow, ...]
    newer_before: str
    older_before: str
    phones: tuple[PhoneLine, ...]
    phone_copied: str
    invitation: str
    team: tuple[str, ...]
    emergency_cards: int
    tags: tuple[str, ...]

    @property
    def dose_closed(self) -> bool:
        """Whether an alert says that no dose is taken."""
        return any(alert.stands and alert.closes_the_dose for alert in self.alerts)


def page(sources: Sources) -> Page:
    """The whole page."""
    record, plans, today = sources.record, sources.plans, sources.today
    bands = dose_bands(plans, today)
    first = first_shown(plans, sources.logs, today, whole=sources.whole)
    current = next((plan for plan in plans if plan.is_open), None)
    shown, newer, older = _page_of_nights(sources)
    return Page(
        person=person(record.patient, at=sources.at),
        conditions=tuple(condition_names(record.conditions)),
        lead=lead_symptom(record),
        medicines=written(record.medicines),
        screening=screening_badge(record.screening),
        note=record.patient.context_note,
        email=record.patient.email,
        care_ended_words=record.patient.care_ended_words,
        address_failed=record.address_failed,
        reports=tuple(reported(report, zone=sources.zone) for report in sources.reports),
        alerts=tuple(
            alert(finding, rule_book.shipped(), zone=sources.zone)
            for finding in sources.findings
            if finding.state == Finding.State.OPEN or (finding.state == Finding.State.ACCEPTED and finding.blocks)
        ),
        card=_card(current, sources) if current else None,
        due=step_due(current, sources.verdict, today=today) if current and sources.verdict else None,
        supply=_supply(current, sources),
        papers=tuple(paper_line(paper, zone=sources.zone) for paper in sources.papers),
        history=tuple(plan_history(plan, zone=sources.zone) for plan in plans),
        chart=chart(sources, bands, first) if plans or sources.logs or sources.doses else None,
        whole=sources.whole,
        nights=tuple(night_rows(shown, sources.logs, sources.doses, bands, record.patient.zone)),
        newer_before=newer,
        older_before=older,
        phone_copied=copied_words(record.phones, zone=sources.zone, at=sources.at),
        phones=tuple(phone_lines(record.phones, zone=sources.zone, at=sources.at)),
        invitation=invitation_words(record.invitation, zone=sources.zone, at=sources.at),
        team=record.team,
        emergency_cards=record.emergency_cards,
        tags=tuple(record.patient.tag_names),
    )


def _supply(current: Plan | None, sources: Sources) -> Strip | None:
    """The strip, wherever there is a plan to supply or something was dispensed."""
    if current is None and not sources.supply.fills:
        return None
    dose = timeline.dose_on(current.in_force, max(sources.today, current.course.start_on)) if current else None
    return strip(sources.supply, dose)


def _card(plan: Plan, sources: Sources) -> PlanCard:
    next_on = next_untold(plan, sources.doses, sources.at)
    return plan_card(plan, next_on=next_on, zone=sources.zone, at=sources.at)


def chart(sources: Sources, bands: Sequence[series.DoseBand], first: date) -> Drawn:
    patient = sources.record.patient
    shown = aligned(
        charts_nights.from_rows(sources.logs, sources.doses),
        bands,
        first=first,
        today=sources.today,
        lots=new_lots(sources.supply.fills),
    )
    return drawn(
        shown,
        title=f"Dose and nights of {patient.name}, record {patient.record_number}",
        lead=lead_symptom(sources.record),
    )


def _page_of_nights(sources: Sources) -> tuple[list[date], str, str]:
    """The nights of the table, newest first, and the `before` of the pages beside it ("" where there is none).

    They begin with the first plan or the first night told. Tonight is listed once something was told of it.
    """
    told = {log.night for log in sources.logs} | {dose.plan_date for dose in sources.doses}
    floor = min([*(plan.course.start_on for plan in sources.plans), *told], default=sources.today)
    newest = sources.today if sources.today in told else sources.today - timedelta(days=1)
    last = newest if sources.before is None else min(newest, sources.before - timedelta(days=1))
    first = max(last - timedelta(days=NIGHTS_SHOWN - 1), floor)
    nights = [date.fromordinal(day_number) for day_number in range(last.toordinal(), first.toordinal() - 1, -1)]
    newer = (last + timedelta(days=NIGHTS_SHOWN + 1)).isoformat() if last < newest else ""
    return nights, newer, first.isoformat() if first > floor else ""
