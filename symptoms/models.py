"""Nights and doses as the patient told them. What the plan said is another table's business.

Names and units of the columns are those of the replay format: `taken, taken_mg, taken_at, sleep_hours, latency_min,
awake_min, awakenings, quality, dream_vividness, dream_distress, pain, fatigue, lead_symptom, side_effects,
other_medicines, note`, and `condition_answers` by the names they have there. A question without an answer is NULL, or
is not there; it is never zero.
"""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Value

from accounts.models import Clinic, User
from common import history
from common.append_only import append_only_triggers
from common.fields import DoseField, dose_within_limits
from common.night import Slot
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField
from patients.models import Patient

# What a report's words are sealed for, said again where they come as JSON.
REPORT_WORDS = "opioid_report.words"


def _between(column: str, low: int, high: int) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=models.Q(**{f"{column}__isnull": True}) | models.Q(**{f"{column}__gte": low, f"{column}__lte": high}),
        name=f"{column}_from_{low}_to_{high}",
    )


def _scale(low: int, high: int) -> models.PositiveSmallIntegerField:
    return models.PositiveSmallIntegerField(null=True, validators=[MinValueValidator(low), MaxValueValidator(high)])


@history.tracked()
class DoseTaken(models.Model):
    """What became of the dose planned for a date and slot, in the patient's words. Every version is kept.

    `recorded_at` is when this was told of the dose: saving the rest of the night anew leaves it as it is.
    """

    class Taken(models.TextChoices):
        TAKEN = "taken", "Taken"
        SKIPPED = "skipped", "Skipped"
        NOT_YET = "not_yet", "Not yet"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="doses_taken")
    plan_date = models.DateField()
    slot = models.CharField(max_length=10, choices=[(slot.value, slot.value) for slot in Slot])
    taken = models.CharField(max_length=10, choices=Taken.choices)
    taken_mg = DoseField(null=True)
    taken_at = models.DateTimeField(null=True)
    skipped_because = models.CharField(max_length=40, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "plan_date", "slot"], name="one_dose_record_per_plan_date_and_slot"
            ),
            dose_within_limits("taken_mg", "taken_mg_within_limits"),
            models.CheckConstraint(
                condition=models.Q(taken="taken") | models.Q(taken_mg=None, taken_at=None),
                name="only_a_taken_dose_has_an_amount_and_a_time",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


# What says how a night was. A dose alone, told in the evening, says nothing of the night after it.
DESCRIBING = ("sleep_hours", "quality", "dream_vividness", "pain", "fatigue", "lead_symptom")


class SymptomLogQuerySet(ScopedQuerySet):
    def describing(self) -> "SymptomLogQuerySet":
        """The logs that say how the night was."""
        return self.exclude(**{f"{column}__isnull": True for column in DESCRIBING})


@history.tracked()
class SymptomLog(models.Model):
    """One night as the patient lived it. Every version is kept."""

    class OtherMedicines(models.TextChoices):
        NO = "no", "No"
        YES = "yes", "Yes"
        UNSURE = "unsure", "I am not sure"

    class ToldBy(models.TextChoices):
        PATIENT = "patient", "By the patient"
        PHONE = "phone", "Reported by phone"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="logs")
    night = models.DateField()
    sleep_hours = models.DecimalField(max_digits=4, decimal_places=2, null=True)
    latency_min = models.PositiveSmallIntegerField(null=True)
    awake_min = models.PositiveSmallIntegerField(null=True)
    awakenings = models.PositiveSmallIntegerField(null=True)
    quality = _scale(1, 5)
    dream_vividness = _scale(0, 3)
    dream_distress = _scale(0, 10)
    pain = _scale(0, 10)
    fatigue = _scale(0, 10)
    lead_symptom = _scale(0, 10)
    other_medicines_answer = models.CharField(max_length=10, choices=OtherMedicines.choices, blank=True)
    other_medicines = SealedTextField("symptom_log.other_medicines", blank=True)
    note = SealedTextField("symptom_log.note", blank=True)
    # Severity by side-effect code of `items.toml`; an empty object means the patient ticked none.
    side_effects = models.JSONField(default=dict)
    # Whole numbers by code of `condition_items.toml`, in the unit that stands there; what was left blank is not there.
    condition_answers = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    # Who wrote down what the patient told: they themself or a helper, or the clinic while they were on the telephone.
    told_by = models.CharField(max_length=10, choices=ToldBy.choices, default=ToldBy.PATIENT, db_default=ToldBy.PATIENT)
    version = models.PositiveIntegerField(default=1)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = SymptomLogQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "night"], name="one_log_per_patient_and_night"),
            _between("sleep_hours", 0, 24),
            _between("latency_min", 0, 1440),
            _between("awake_min", 0, 1440),
            _between("awakenings", 0, 100),
            _between("quality", 1, 5),
            _between("dream_vividness", 0, 3),
            _between("dream_distress", 0, 10),
            _between("pain", 0, 10),
            _between("fatigue", 0, 10),
            _between("lead_symptom", 0, 10),
        ]
        indexes = [models.Index(fields=["clinic", "patient", "night"], name="log_by_clinic_patient_night")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def describes_the_night(self) -> bool:
        """Whether anything was said of how the night was."""
        return any(getattr(self, column) is not None for column in DESCRIBING)


class OpioidReport(models.Model):
    """The patient named an opioid, or something unknown, when asked about opioid, cough or diarrhoea medicines, or was
    not sure; or the clinic wrote an opioid on the medicine list while a course was open (`answer` is then LISTED).

    Written once and never changed: correcting the night later does not take it back. Whether it is still open is
    answered above, by the clinic's review. `medicine_id` is the line of the list that it was written for.
    """

    LISTED = "listed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="opioid_reports")
    night = models.DateField()
    answer = models.CharField(max_length=10)
    words = SealedTextField(REPORT_WORDS, blank=True)
    medicine_id = models.UUIDField(null=True)
    at = models.DateTimeField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["clinic", "patient", "-at"], name="opioid_report_by_patient")]
        triggers = append_only_triggers("opioid_report")

    def __str__(self) -> str:
        return str(self.id)


class Assessment(models.Model):
    """One filled-in questionnaire. Appended, never altered: who wants to correct one fills it in again.

    `answers` are numbers by item code of the instrument's file in `form_version`; an item left out has no entry, and
    then there is no `score`. `item9` is the PHQ-9's last answer, kept apart: it is acted on whatever the score.
    """

    class GivenBy(models.TextChoices):
        PATIENT = "patient", "the patient"
        CARER = "carer", "a helper"
        CLINICIAN = "clinician", "the clinic"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="assessments")
    instrument = models.CharField(max_length=20)
    form_version = models.PositiveSmallIntegerField()
    on = models.DateField()
    answers = models.JSONField()
    score = models.DecimalField(max_digits=4, decimal_places=1, null=True)
    item9 = models.PositiveSmallIntegerField(null=True)
    given_by = models.CharField(max_length=10, choices=GivenBy.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            _between("item9", 0, 3),
            models.CheckConstraint(
                condition=models.Q(instrument="phq-9") | models.Q(item9=None), name="only_a_phq_9_has_an_item_9"
            ),
            models.CheckConstraint(
                condition=~models.Q(given_by="clinician") | models.Q(by__isnull=False),
                name="what_a_clinic_records_says_who_did",
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "patient", "instrument", "-on", "-at"], name="assessment_newest_first")
        ]
        triggers = append_only_triggers("assessment")

    def __str__(self) -> str:
        return str(self.id)


class CrisisChoice(models.Model):
    """Whose public numbers a clinic shows to somebody in a crisis: a code of `crisis.toml`. The newest row counts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    locale = models.CharField(max_length=10)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["clinic", "-at"], name="crisis_choice_newest_first")]
        triggers = append_only_triggers("crisis_choice")

    def __str__(self) -> str:
        return str(self.id)
