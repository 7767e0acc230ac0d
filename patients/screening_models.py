"""What was asked before a first dose, in versions that are never rewritten, and what a clinician decided on it."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField


class Screening(models.Model):
    """One version of a patient's screening: every saving appends the next, and the newest is what stands.

    `answers` are texts by code of `screening.toml`. A confirmed version keeps the age and conditions it was confirmed
    under (`about`), so that what it meant can be worked out at any time. A waived one has no answers: it says in `note`
    why a plan begins without a screening. What a patient has ticked and not sent yet is marked in `about` as UNSENT.
    """

    UNSENT = "unsent"

    class State(models.TextChoices):
        DRAFT = "draft", "begun by the clinic"
        SENT = "sent", "sent to the patient"
        TELLING = "telling", "begun by the patient"
        ANSWERED = "answered", "answered by the patient"
        CONFIRMED = "confirmed", "confirmed"
        WAIVED = "waived", "left out"

    class From(models.TextChoices):
        CLINICIAN = "clinician", "the clinic"
        PATIENT = "patient", "the patient"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="screenings")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices)
    answers = models.JSONField(default=dict)
    note = SealedTextField("screening.note", blank=True)
    about = models.JSONField(default=dict)
    text_version = models.CharField(max_length=20)
    answered_by = models.CharField(max_length=10, choices=From.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="one_screening_per_patient_and_number"),
            models.CheckConstraint(
                condition=~Q(state="waived") | (Q(answers={}) & ~Q(note="")), name="a_screening_left_out_says_why"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["confirmed", "waived"]) | Q(by__isnull=False),
                name="a_confirmed_screening_says_by_whom",
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "at"],
                condition=Q(state__in=["sent", "telling", "answered"]),
                name="screening_waiting",
            )
        ]
        triggers = append_only_triggers("screening")

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_unsent(self) -> bool:
        """Whether it was kept while the patient was still at it: it is shown as it stands, and no rule looks at it."""
        return bool(self.about.get(self.UNSENT))


class ScreeningDecision(models.Model):
    """What a clinician decided on one result of a confirmed screening, with words. Appended; the newest counts."""

    class Kind(models.TextChoices):
        REASON = "reason", "goes on, with a reason"
        AGREED = "agreed", "the specialist agreed"
        OVERRIDE = "override", "goes on all the same"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="+")
    screening = models.ForeignKey(Screening, on_delete=models.PROTECT, related_name="decisions")
    code = models.CharField(max_length=40)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    words = SealedTextField("screening_decision.words")
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(words=""), name="a_decision_on_a_screening_says_why"),
        ]
        triggers = append_only_triggers("screening_decision")

    def __str__(self) -> str:
        return str(self.id)
