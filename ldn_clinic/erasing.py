"""What becomes of every table when a record is erased, and the owner's nightly run that does it.

Every table that holds a patient's rows stands in exactly one of `DELETED`, `BLANKED` and `KEPT`; a guard test finds one
that does not. The versions of a row that goes or is blanked go by the same condition (`versions`). Rows that are
written once are among them: only the owner of the tables may delete those, and does so here. The run can be repeated
and broken off: each record goes whole, in one transaction, or not at all.
"""

import uuid
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import connections, transaction
from psycopg import sql

from accounts.actors import system
from audit import services as audit
from patients.models import Erasure, Patient
from titration.selectors import retention

OWNER = "owner"

REMINDERS_KEPT_YEARS = 2
ERASED = "erased"
OF_PATIENT = "patient_id = {patient}"
OF_PHONE = "phone_id IN (SELECT id FROM patients_phone WHERE patient_id = {patient})"
OF_REPORT = "report_id IN (SELECT id FROM symptoms_opioidreport WHERE patient_id = {patient})"
OF_REMINDER = (
    "reminder_id IN (SELECT r.id FROM reminders_reminder r JOIN reminders_occurrence o ON o.id = r.occurrence_id "
    "WHERE o.patient_id = {patient})"
)
OF_OCCURRENCE = "occurrence_id IN (SELECT id FROM reminders_occurrence WHERE patient_id = {patient})"
OF_URGENT = "item_id IN (SELECT id FROM reminders_urgentitem WHERE patient_id = {patient})"
OF_PRESCRIPTION = "prescription_id IN (SELECT id FROM titration_prescription WHERE patient_id = {patient})"
OF_PAPER = "paper_id IN (SELECT id FROM titration_prescriptionpaper WHERE patient_id = {patient})"
OF_PROCEDURE = "procedure_id IN (SELECT id FROM titration_procedure WHERE patient_id = {patient})"
OF_CARER = "carer_id = ANY({users})"
OF_USER = "user_id = ANY({users})"

# In the order in which they go: what is found through another row goes before it.
DELETED = {
    "patients.FreshCode": f"({OF_PHONE} OR {OF_CARER})",
    "patients.PhoneSecret": f"({OF_PHONE} OR {OF_CARER})",
    "patients.Phone": f"({OF_PATIENT} OR {OF_CARER})",
    "patients.Invitation": OF_PATIENT,
    "patients.CareGrant": OF_PATIENT,
    "patients.EmergencyCard": OF_PATIENT,
    "patients.CareTeamMember": OF_PATIENT,
    "patients.ContactPreference": OF_PATIENT,
    "patients.ZoneSpan": OF_PATIENT,
    "patients.PatientCondition": OF_PATIENT,
    "patients.Medicine": OF_PATIENT,
    "patients.LabResult": OF_PATIENT,
    "symptoms.Assessment": OF_PATIENT,
    "patients.Consent": OF_PATIENT,
    "patients.ScreeningDecision": OF_PATIENT,
    "patients.Screening": OF_PATIENT,
    "symptoms.DoseTaken": OF_PATIENT,
    "symptoms.SymptomLog": OF_PATIENT,
    "imports.ImportedRow": OF_PATIENT,
    "titration.OpioidReview": OF_REPORT,
    "symptoms.OpioidReport": OF_PATIENT,
    "reminders.UrgentNotice": OF_URGENT,
    "reminders.UrgentItem": OF_PATIENT,
    "reminders.Attempt": OF_REMINDER,
    "reminders.Reminder": OF_OCCURRENCE,
    "reminders.Occurrence": OF_PATIENT,
    "titration.Fill": OF_PATIENT,
    "titration.ProcedureDay": OF_PROCEDURE,
    "titration.Procedure": OF_PATIENT,
    "titration.PaperEvent": OF_PAPER,
    "titration.TrialEntry": OF_PRESCRIPTION,
    "titration.Finding": OF_PATIENT,
    "titration.Judged": OF_PATIENT,
    "titration.PrescriptionPaper": OF_PATIENT,
    "titration.Watch": OF_PATIENT,
    "titration.DoseClarified": OF_PATIENT,
    "titration.ContactAttempt": OF_PATIENT,
    "titration.Referral": OF_PATIENT,
    "titration.Instruction": OF_PATIENT,
    "titration.VisitDay": OF_PATIENT,
    "titration.PatientTag": OF_PATIENT,
    "account.EmailAddress": OF_USER,
    "mfa.Authenticator": OF_USER,
    "accounts.Session": OF_USER,
}
# A row that must stay, for others point at it or the law asks for it, without what was personal in it.
BLANKED: dict[str, tuple[dict[str, Any], str]] = {
    "patients.Patient": (
        {
            "name": "Erased record",
            "sort_key": "erased record",
            "birth_date": "1900-01-01",
            "sex": "",
            "record_number": "{number}",
            "email": "",
            "email_index": "",
            "context_note": "",
            "restricted_because": "",
            "care_ended_words": "",
            "zone_name": "UTC",
            # Closed to everybody: nobody is on its care team.
            "restricted_at": "{at}",
        },
        "id = {patient}",
    ),
    "patients.EmergencyAccess": ({"reason": ERASED}, OF_PATIENT),
    "titration.PlanChange": ({"reason": ERASED}, f"reason <> '' AND {OF_PRESCRIPTION}"),
    "accounts.User": (
        {"name": "Erased record", "email": "", "password": "!", "is_active": False},
        "id = ANY({users})",
    ),
}
KEPT = {
    "patients.Erasure": "the record of the erasing itself: who asked, who confirmed, what went",
    "titration.Prescription": "what was prescribed, from when, by whom: without a name it speaks of nobody",
    "titration.Step": "the doses of the prescription, without a name",
    "patients.ErasureEvent": "who asked, confirmed and took back",
    "titration.PrescriptionEvent": "the states a prescription went through, without a name",
    "exports.ExportEvent": "the states an export went through",
    "exports.Export": "that nights left, when and to whom; the files themselves last a day",
}


def erase_due(*, at: datetime) -> int:
    """Erase every record whose erasing is due, each in a transaction of its own. How many.

    One whose time is not over after all, for something was written since, is taken back instead.
    """
    due = Erasure.objects.across_clinics().using(OWNER).filter(done_at=None, withdrawn_at=None, due_at__lte=at)
    return sum(_erase(erasure_id, at=at) for erasure_id in due.order_by("due_at").values_list("id", flat=True))


def _erase(erasure_id: uuid.UUID, *, at: datetime) -> bool:
    with transaction.atomic(using=OWNER):
        erasure = (
            Erasure.objects.across_clinics()
            .using(OWNER)
            .select_for_update(skip_locked=True)
            .filter(id=erasure_id)
            .first()
        )
        if erasure is None or erasure.done_at or erasure.withdrawn_at:
            return False
        Patient.objects.using(OWNER).select_for_update().get(id=erasure.patient_id)
        over = retention.may_go(erasure, at=at, using=OWNER)
        removed = _remove(erasure.patient_id, at) if over else {}
        ended = {"done_at": at, "removed": removed} if over else {"withdrawn_at": at}
        Erasure.objects.across_clinics().using(OWNER).filter(id=erasure_id).update(**ended)
        audit.record(
            by=system(erasure.clinic_id),
            at=at,
            action="erasure.done" if over else "erasure.lapsed",
            patients=[erasure.patient_id],
            subject=erasure_id,
            details={"removed": removed},
            using=OWNER,
        )
        return over


def _remove(patient_id: uuid.UUID, at: datetime) -> dict[str, int]:
    """Rows that went or were blanked, by table."""
    with connections[OWNER].cursor() as cursor:
        told = {
            "patient": patient_id,
            "number": f"{ERASED}-{patient_id.hex[:12]}",
            "at": at.isoformat(),
            "users": _users(cursor, patient_id),
        }
        past = versions()
        _silence_triggers(cursor, *DELETED, *BLANKED, *past)
        counts = {}
        # Those found through a row that goes are blanked before it does.
        for label, (values, where) in BLANKED.items():
            assignments = sql.SQL(", ").join(
                sql.SQL("{} = {}").format(sql.Identifier(column), _value(value, told))
                for column, value in values.items()
            )
            statement = sql.SQL("UPDATE {} SET {} WHERE ").format(_table(label), assignments)
            counts[label] = _run(cursor, statement + _where(where, told))
        review = sql.SQL("UPDATE patients_emergencyaccess SET review_words = {} WHERE review_words <> '' AND ")
        _run(cursor, review.format(sql.Literal(ERASED)) + _where(OF_PATIENT, told))
        for label, where in {**DELETED, **past}.items():
            statement = sql.SQL("DELETE FROM {} WHERE ").format(_table(label))
            counts[label] = _run(cursor, statement + _where(where, told))
    return {label: count for label, count in counts.items() if count}


def versions() -> dict[str, str]:
    """The tables that keep every version of rows that go or are blanked, each with the condition of its rows."""
    fates = {**DELETED, **{label: where for label, (_, where) in BLANKED.items()}}
    kept_by = {getattr(apps.get_model(label), "pgh_event_model", None): where for label, where in fates.items()}
    return {_label(event): where for event, where in kept_by.items() if event is not None}


def forget_reminders(*, at: datetime) -> int:
    """Delete what was owed, sent and tried where the story ended two years ago (reliability rules 2.4). How many.

    What is left of them is in the memory: how many of each clinic ended in which state.
    """
    before = retention.years_before(at, REMINDERS_KEPT_YEARS)
    with transaction.atomic(using=OWNER), connections[OWNER].cursor() as cursor:
        _silence_triggers(cursor, "reminders.Attempt", "reminders.Reminder", "reminders.Occurrence")
        cursor.execute(
            """
            CREATE TEMPORARY TABLE over_reminders ON COMMIT DROP AS
            SELECT o.id AS occurrence_id, r.id AS reminder_id, o.clinic_id, coalesce(r.state, o.state) AS state
            FROM reminders_occurrence o LEFT JOIN reminders_reminder r ON r.occurrence_id = o.id
            WHERE o.due_at < %(before)s AND o.expires_at < %(before)s AND (r.id IS NULL OR r.done_at < %(before)s)
            """,
            {"before": before},
        )
        cursor.execute("DELETE FROM reminders_attempt WHERE reminder_id IN (SELECT reminder_id FROM over_reminders)")
        cursor.execute("DELETE FROM reminders_reminder WHERE id IN (SELECT reminder_id FROM over_reminders)")
        cursor.execute("DELETE FROM reminders_occurrence WHERE id IN (SELECT occurrence_id FROM over_reminders)")
        cursor.execute("SELECT clinic_id, state, count(*) FROM over_reminders GROUP BY clinic_id, state")
        by_clinic: dict[uuid.UUID, dict[str, int]] = {}
        for clinic_id, state, count in cursor.fetchall():
            by_clinic.setdefault(clinic_id, {})[state] = count
        for clinic_id, counts in sorted(by_clinic.items()):
            audit.record(by=system(clinic_id), at=at, action="reminders.forget", details={"ended": counts}, using=OWNER)
    return sum(sum(counts.values()) for counts in by_clinic.values())


def _users(cursor: Any, patient_id: uuid.UUID) -> list[uuid.UUID]:
    """The patient's own account, and those of carers who look after nobody else; never one that works in a clinic."""
    cursor.execute(
        """
        SELECT u.id FROM accounts_user u
        WHERE NOT EXISTS (SELECT FROM accounts_membership m WHERE m.user_id = u.id)
          AND NOT EXISTS (SELECT FROM patients_patient p WHERE p.user_id = u.id AND p.id <> %(patient)s)
          AND NOT EXISTS (SELECT FROM patients_caregrant g WHERE g.user_id = u.id AND g.patient_id <> %(patient)s)
          AND (EXISTS (SELECT FROM patients_patient p WHERE p.user_id = u.id AND p.id = %(patient)s)
               OR EXISTS (SELECT FROM patients_caregrant g WHERE g.user_id = u.id AND g.patient_id = %(patient)s))
        """,
        {"patient": patient_id},
    )
    return [user_id for (user_id,) in cursor.fetchall()]


def _silence_triggers(cursor: Any, *labels: str) -> None:
    """In this transaction the triggers of these tables neither refuse nor write history. The grants refuse everybody
    else all the same.
    """
    tables = [_name(label) for label in labels]
    cursor.execute(
        """
        SELECT set_config('pgtrigger.ignore', coalesce(array_agg(t.tgname)::text, '{}'), true)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relname = ANY(%s) AND NOT t.tgisinternal
        """,
        [tables],
    )


def _name(label: str) -> str:
    return apps.get_model(label)._meta.db_table  # noqa: SLF001  where Django keeps it


def _label(model: Any) -> str:
    label: str = model._meta.label  # noqa: SLF001  where Django keeps it
    return label


def _table(label: str) -> sql.Identifier:
    return sql.Identifier(_name(label))


def _value(value: Any, told: dict[str, Any]) -> sql.Literal:
    return sql.Literal(told[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value)


def _where(where: str, told: dict[str, Any]) -> sql.Composed:
    return sql.SQL(where).format(**{name: sql.Literal(value) for name, value in told.items()})  # type: ignore[arg-type]


def _run(cursor: Any, statement: sql.Composed) -> int:
    cursor.execute(statement)
    count: int = cursor.rowcount
    return count
