"""Rows about people. Every clinical row carries its clinic; every read goes through `selectors.visible_to`."""

import uuid
from zoneinfo import ZoneInfo

from django.db import models

from accounts.models import Clinic, User


class Patient(models.Model):
    """A person in one clinic's care. The same person elsewhere is another row.

    `version` guards against two people saving over each other; `change_sequence` rises with every change that a
    rule might want to judge, in the change's own transaction.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="patients")
    user = models.OneToOneField(User, on_delete=models.PROTECT, null=True, related_name="patient")
    name = models.CharField(max_length=200)
    # The embedded database has no ICU: names sort by a key made in Python.
    sort_key = models.CharField(max_length=240)
    birth_date = models.DateField()
    record_number = models.CharField(max_length=40)
    email = models.EmailField(blank=True)
    zone_name = models.CharField(max_length=64)
    context_note = models.TextField(blank=True)
    registered_at = models.DateTimeField()
    registered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)
    change_sequence = models.BigIntegerField(default=0)
    # Null: open to all of the clinic who read records. Else only the care team may know that the record is there.
    restricted_at = models.DateTimeField(null=True)
    restricted_because = models.TextField(blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "record_number"], name="one_patient_per_clinic_and_record_number"
            ),
        ]
        indexes = [models.Index(fields=["clinic", "sort_key", "id"], name="patient_by_clinic_and_name")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)


class ZoneSpan(models.Model):
    """Where the patient's nights are counted from a moment on; the newest row is the patient's zone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="zone_spans")
    zone_name = models.CharField(max_length=64)
    from_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient", "from_at"], name="one_zone_per_patient_and_moment")]

    def __str__(self) -> str:
        return str(self.id)


class PatientCondition(models.Model):
    """A condition the patient is treated for: a code of `conditions.toml`, or "other" with words."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="conditions")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)
    words = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "position"], name="one_condition_per_patient_and_position"),
            models.CheckConstraint(
                condition=~models.Q(code="other") | ~models.Q(words=""), name="another_condition_has_words"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Medicine(models.Model):
    """One current medicine, one line, as the person wrote it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="medicines")
    position = models.PositiveSmallIntegerField()
    words = models.CharField(max_length=300)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "position"], name="one_medicine_per_patient_and_position")
        ]

    def __str__(self) -> str:
        return str(self.id)


class ContactPreference(models.Model):
    """What the patient is sent and when, and whether their address still takes mail."""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, primary_key=True, related_name="contact")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    reminders_by_email = models.BooleanField(default=True)
    # The patient's own wall clock; a night is logged on the morning after it.
    log_reminder_at = models.TimeField()
    address_failed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.patient_id)


class Invitation(models.Model):
    """A way in for one phone, once: the mailed token, opened with the date of birth or with a code from the desk.

    Only digests are kept. A newer invitation replaces the older one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="invitations")
    token_digest = models.CharField(max_length=64, unique=True)
    desk_code_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    spent_at = models.DateTimeField(null=True)
    replaced_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=models.Q(spent_at=None, replaced_at=None),
                name="one_open_invitation_per_patient",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class Phone(models.Model):
    """A device that was let in and is remembered until it expires or is revoked. Only a digest of its secret is kept.

    `proved_until` is how long a fresh code opens history and chart on it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="phones")
    secret_digest = models.CharField(max_length=64, unique=True)
    let_in_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    proved_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return str(self.id)


class FreshCode(models.Model):
    """A six-digit code mailed to the patient as the second proof: ten minutes, five tries, once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    phone = models.ForeignKey(Phone, on_delete=models.PROTECT, related_name="codes")
    code_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    spent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["phone"], condition=models.Q(spent_at=None), name="one_open_code_per_phone")
        ]

    def __str__(self) -> str:
        return str(self.id)


class CareTeamMember(models.Model):
    """A colleague who may open a restricted record, from `added_at` until `ended_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="care_team")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # Every question about who may see whom reads the index of this one.
            models.UniqueConstraint(
                fields=["user", "patient"], condition=models.Q(ended_at=None), name="one_place_in_a_care_team"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
