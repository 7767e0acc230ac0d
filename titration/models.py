"""Prescriptions, what changed them, and the steps that follow.

The truth is a prescription and its `PlanChange`s; `Step` is a projection for queries, rewritten from the engine.
"""

import uuid
from typing import ClassVar

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from accounts.models import Clinic, User
from common import history
from common.append_only import append_only_triggers
from common.fields import DoseField, dose_within_limits
from common.night import Slot
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField
from patients.models import Patient
from symptoms.models import OpioidReport
from titration.contact_models import ContactAttempt, Instruction, InstructionText, Referral, VisitDay
from titration.engine.course import RETITRATE_FROM_DAYS
from titration.finding_models import Finding, Judged, RuleReview, RuleSettings
from titration.library_models import ProtocolDecision
from titration.procedure_models import Procedure, ProcedureDay
from titration.supply_models import Fill, PaperEvent, Pharmacy, PrescriptionPaper
from titration.trial_models import TrialEntry
from titration.worklist_models import DoseClarified, PatientTag, SavedView, Tag, Watch

__all__ = [
    "ContactAttempt",
    "DoseClarified",
    "Fill",
    "Finding",
    "Instruction",
    "InstructionText",
    "Judged",
    "OpioidReview",
    "PaperEvent",
    "PatientTag",
    "Pharmacy",
    "PlanChange",
    "Prescription",
    "PrescriptionPaper",
    "Procedure",
    "ProcedureDay",
    "ProtocolDecision",
    "ProtocolVersion",
    "Referral",
    "RuleReview",
    "RuleSettings",
    "SavedView",
    "Step",
    "Tag",
    "TrialEntry",
    "VisitDay",
    "Watch",
]


class ProtocolVersion(models.Model):
    """One version of a reviewed protocol file; a shared one belongs to no clinic. Never changed once loaded."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="+")
    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    body = models.JSONField()
    fingerprint = models.CharField(max_length=64)
    loaded_at = models.DateTimeField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "code", "version"], name="one_row_per_protocol_version", nulls_distinct=False
            )
        ]
        triggers = append_only_triggers("protocol_version")

    def __str__(self) -> str:
        return f"{self.code} version {self.version}"


@history.tracked()
class Prescription(models.Model):
    """A signed course: a protocol, kept as it was at signing, applied to a patient from a date.

    `version` rises with every change and names the projection of steps that belongs to it. `next_due_on` is the date
    the next rung is due (without sliding), null when there is none: projected beside the steps for the worklist.
    """

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        HELD = "held", "Held"
        PAUSED = "paused", "Paused"
        STOPPED = "stopped", "Stopped"

    class Mode(models.TextChoices):
        CONFIRMED = "confirmed", "A person lets each step happen"
        PLANNED = "planned", "Steps happen on their day unless something blocks"

    OPEN_STATES: ClassVar[tuple[str, ...]] = (State.ACTIVE, State.HELD, State.PAUSED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="prescriptions")
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    protocol_snapshot = models.JSONField()
    protocol_fingerprint = models.CharField(max_length=64)
    start_on = models.DateField()
    slot = models.CharField(max_length=10, choices=[(slot.value, slot.value) for slot in Slot])
    capsule_strength = DoseField()
    # What the doses are made of, as `Formulation.to_json` writes it; null: capsules of `capsule_strength`.
    formulation = models.JSONField(null=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.CONFIRMED)
    # Already taking: the dose at signing; `start_on` is the day it was last changed, `taking_since` that of the first.
    first_dose = DoseField(null=True)
    taking_since = models.DateField(null=True)
    # Awaiting medicine: no dose before the first one is told of, on `begun_on`.
    awaiting = models.BooleanField(default=False)
    begun_on = models.DateField(null=True)
    # What is aimed at and what turned out best are two things; the dose in force is a third.
    target_dose = DoseField(null=True)
    best_dose = DoseField(null=True)
    retitrate_from_days = models.PositiveSmallIntegerField(default=RETITRATE_FROM_DAYS)
    opioid_answer = models.CharField(max_length=10)
    # Why it was signed although an opioid on the list was not waited for; "" where there was none.
    washout_reason = SealedTextField("prescription.washout_reason", blank=True, default="", db_default="")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    signed_at = models.DateTimeField()
    signed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    stopped_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)
    next_due_on = models.DateField(null=True)
    next_dose = DoseField(null=True)
    # How long the supply lasts by the plan as last worked out; null where no fill is recorded or none is needed.
    run_out_on = models.DateField(null=True)
    refill_due_on = models.DateField(null=True)
    # The patient's schedule as it was last printed: version, date and lines (`titration.papers.lines`).
    printed_schedule = models.JSONField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(state__in=["active", "held", "paused"]),
                name="one_open_prescription_per_patient",
            ),
            dose_within_limits("capsule_strength", "capsule_strength_within_limits"),
            dose_within_limits("next_dose", "next_dose_within_limits"),
            dose_within_limits("first_dose", "first_dose_within_limits"),
            dose_within_limits("target_dose", "target_dose_within_limits"),
            dose_within_limits("best_dose", "best_dose_within_limits"),
            models.CheckConstraint(
                condition=Q(awaiting=True) | Q(begun_on=None), name="only_a_course_that_waited_begins"
            ),
            models.CheckConstraint(
                condition=Q(awaiting=False) | Q(first_dose=None), name="who_takes_it_already_awaits_nothing"
            ),
            models.CheckConstraint(
                condition=Q(state="stopped", stopped_at__isnull=False) | (~Q(state="stopped") & Q(stopped_at=None)),
                name="a_stopped_prescription_says_when",
            ),
            models.CheckConstraint(
                condition=Q(next_due_on=None, next_dose=None) | Q(next_due_on__isnull=False, next_dose__isnull=False),
                name="a_due_step_has_a_date_and_a_dose",
            ),
            models.CheckConstraint(condition=Q(opioid_answer="no"), name="signed_only_after_no_to_the_opioid_question"),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "next_due_on"],
                condition=Q(state__in=["active", "held", "paused"]),
                name="open_prescription_by_due_date",
            ),
            models.Index(
                fields=["clinic", "refill_due_on"],
                condition=Q(state__in=["active", "held", "paused"]),
                name="open_prescription_by_refill",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


_CARRIED = (
    "days",
    "to_rung",
    "dose",
    "time_of_day",
    "off_since",
    "days_on",
    "days_off",
    "protocol_version",
    "takes_back",
)
_CARRIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "begin": ((), ()),
    "hold": ((), ("days",)),
    "resume": ((), ()),
    "advance": (("to_rung",), ()),
    "step_back": ((), ()),
    "go_to": (("dose",), ("days",)),
    "stay_here": ((), ()),
    "repeat_rung": ((), ()),
    "change_lengths": (("days",), ()),
    "change_time": (("time_of_day",), ()),
    "pause": ((), ("days",)),
    "restart": ((), ("dose", "off_since")),
    "on_off": ((), ("days_on", "days_off")),
    "trial_reduction": (("dose", "days"), ()),
    "stop": ((), ()),
    "change_protocol": (("protocol_version",), ("to_rung",)),
    "supersede": (("takes_back",), ()),
}
"""What a change of each kind must carry, and what it may."""


def _carries_what_it_needs() -> Q:
    condition = Q()
    for kind, (must, may) in _CARRIES.items():
        carried = {f"{name}__isnull": name not in must for name in _CARRIED if name in must or name not in may}
        condition |= Q(kind=kind, **carried)
    return condition


class PlanChange(models.Model):
    """One signed change of a course, in the order recorded. Appended, never altered.

    `on` is the first date it has effect; the other columns are those of the engine's change of this kind. A correction
    says what was so in the past. `takes_back` is the place, from 0, of a change that is no longer meant.
    """

    class Kind(models.TextChoices):
        BEGIN = "begin", "First dose taken"
        HOLD = "hold", "Hold"
        RESUME = "resume", "Resume"
        ADVANCE = "advance", "Step up"
        STEP_BACK = "step_back", "Step back"
        GO_TO = "go_to", "Go to a dose"
        STAY_HERE = "stay_here", "Stay at this dose"
        REPEAT_RUNG = "repeat_rung", "Repeat this step"
        CHANGE_LENGTHS = "change_lengths", "Change the length of coming steps"
        CHANGE_TIME = "change_time", "Change the time of day"
        PAUSE = "pause", "Pause"
        RESTART = "restart", "Restart after a gap"
        ON_OFF = "on_off", "Days on and off"
        TRIAL_REDUCTION = "trial_reduction", "Try a lower dose"
        STOP = "stop", "Stop"
        CHANGE_PROTOCOL = "change_protocol", "Change the template"
        SUPERSEDE = "supersede", "Take back a change"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="changes")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=20, choices=Kind.choices)
    on = models.DateField()
    days = models.PositiveSmallIntegerField(null=True)
    to_rung = models.PositiveSmallIntegerField(null=True)
    early = models.BooleanField(default=False)
    dose = DoseField(null=True)
    confirmed = models.BooleanField(default=False)
    time_of_day = models.CharField(max_length=10, choices=[(slot.value, slot.value) for slot in Slot], null=True)
    cause = models.CharField(max_length=20, blank=True, default="")
    off_since = models.DateField(null=True)
    days_on = models.PositiveSmallIntegerField(null=True)
    days_off = models.PositiveSmallIntegerField(null=True)
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, null=True, related_name="+")
    takes_back = models.PositiveIntegerField(null=True)
    correction = models.BooleanField(default=False)
    reason = SealedTextField("plan_change.reason", blank=True)
    # What the gate said when a step was let happen: its verdict and the codes of its reasons.
    gate = models.JSONField(default=dict)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["prescription", "number"], name="one_change_per_prescription_and_number"),
            models.CheckConstraint(condition=_carries_what_it_needs(), name="a_change_carries_what_its_kind_needs"),
            models.CheckConstraint(
                condition=Q(kind__in=["advance", "begin"], early=False) | ~Q(reason=""),
                name="a_change_says_why",
            ),
            dose_within_limits("dose", "changed_dose_within_limits"),
        ]
        triggers = append_only_triggers("plan_change")

    def __str__(self) -> str:
        return str(self.id)


class Step(models.Model):
    """One half-open dated segment of what is in force: a projection of `unfold`, one row a segment.

    A segment in which nothing is taken has no dose. A dose with days on and off is left out on its days off, counted
    from `cycle_from_on`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    prescription = models.ForeignKey(Prescription, on_delete=models.PROTECT, related_name="steps")
    prescription_version = models.PositiveIntegerField()
    from_on = models.DateField()
    to_on = models.DateField(null=True)
    dose = DoseField(null=True)
    rung = models.PositiveSmallIntegerField(null=True)
    state = models.CharField(max_length=10)
    time_of_day = models.CharField(max_length=10, default=Slot.BEDTIME.value)
    cycle_from_on = models.DateField(null=True)
    days_on = models.PositiveSmallIntegerField(null=True)
    days_off = models.PositiveSmallIntegerField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(to_on=None) | Q(to_on__gt=F("from_on")), name="a_step_ends_after_it_begins"
            ),
            dose_within_limits("dose", "step_dose_within_limits"),
            ExclusionConstraint(
                name="no_overlapping_steps",
                expressions=[
                    (
                        Func(
                            F("from_on"),
                            F("to_on"),
                            RangeBoundary(inclusive_lower=True),
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                    (F("prescription"), RangeOperators.EQUAL),
                ],
            ),
        ]
        indexes = [models.Index(fields=["patient", "from_on"], name="step_by_patient_and_date")]

    def __str__(self) -> str:
        return str(self.id)


class OpioidReview(models.Model):
    """The clinic's answer to an opioid report: until it stands, the gate is closed and the patient takes no dose."""

    class Outcome(models.TextChoices):
        CARRY_ON = "carry_on", "Not an opioid: the plan goes on"
        STOPPED = "stopped", "An opioid: the plan is stopped"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    report = models.OneToOneField(OpioidReport, on_delete=models.PROTECT, related_name="review")
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    reason = SealedTextField("opioid_review.reason")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        triggers = append_only_triggers("opioid_review")

    def __str__(self) -> str:
        return str(self.id)
