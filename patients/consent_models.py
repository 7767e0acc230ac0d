"""What was read and signed before off-label use, and the clinic's own versions of the text; written once."""

import uuid

from django.db import models
from django.db.models import Q

from accounts.models import Clinic, User
from common.append_only import append_only_triggers
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField


class ConsentText(models.Model):
    """A version of the text that a clinic published. `material`: what was signed before it has to be signed again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    body = models.TextField()
    material = models.BooleanField()
    # The newest version up to this one that was material: a key of patients.consent.Text.
    material_key = models.CharField(max_length=40)
    because = models.TextField()
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "number"], name="one_consent_text_per_clinic_and_number")
        ]
        triggers = append_only_triggers("consent_text")

    def __str__(self) -> str:
        return str(self.id)


class Consent(models.Model):
    """Somebody was asked to sign, signed, or took it back. Appended; the newest that is no asking is what stands.

    `shown` is word for word what was read and `sha256` its hash; `conditions` are as they were then, `was_child` as it
    was on `signed_on`. A withdrawal holds neither name nor text, and may say why; an asking holds nothing.
    """

    class Kind(models.TextChoices):
        ASKED = "asked", "asked to sign"
        SIGNED = "signed", "signed"
        WITHDRAWN = "withdrawn", "taken back"

    class How(models.TextChoices):
        PHONE = "phone", "by the patient, on their own page"
        GUARDIAN = "guardian", "by a parent or guardian, on their page"
        PAPER = "paper", "on paper, recorded by the clinic"
        CLINIC = "clinic", "told to the clinic"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey("patients.Patient", on_delete=models.PROTECT, related_name="consents")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    how = models.CharField(max_length=10, choices=How.choices)
    text_key = models.CharField(max_length=40, blank=True)
    material_key = models.CharField(max_length=40, blank=True)
    shown = SealedTextField("consent.shown", blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    typed_name = SealedTextField("consent.typed_name", max_length=200, blank=True)
    conditions = models.JSONField(default=list)
    was_child = models.BooleanField()
    # The day on the paper; else the day of `at` by the patient's clock.
    signed_on = models.DateField()
    words = SealedTextField("consent.words", blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    by_label = models.CharField(max_length=200)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "number"], name="one_consent_per_patient_and_number"),
            models.CheckConstraint(
                condition=Q(kind__in=["asked", "withdrawn"], sha256="", typed_name="", shown="")
                | (Q(kind="signed") & ~Q(sha256="") & ~Q(typed_name="") & ~Q(shown="") & ~Q(material_key="")),
                name="a_signed_consent_holds_its_name_and_its_text",
            ),
        ]
        triggers = append_only_triggers("consent")

    def __str__(self) -> str:
        return str(self.id)
