"""Rows about people. Every clinical row carries its clinic; every read goes through `selectors.visible_to`."""

import uuid
from zoneinfo import ZoneInfo

from django.db import models

from accounts.models import Clinic, Membership, User
from common import history
from common.scoped import ScopedQuerySet
from common.sealed import BlindIndexField, SealedTextField
from patients.consent_models import Consent, ConsentText
from patients.lab_models import LabResult
from patients.screening_models import Screening, ScreeningDecision

__all__ = [
    "CareEnded",
    "CareGrant",
    "CareTeamMember",
    "Consent",
    "ConsentText",
    "ContactPreference",
    "EmergencyAccess",
    "EmergencyTry",
    "Erasure",
    "FreshCode",
    "Invitation",
    "LabResult",
    "MailAsked",
    "Medicine",
    "Patient",
    "PatientCondition",
    "Phone",
    "PhoneSecret",
    "Screening",
    "ScreeningDecision",
    "Sex",
    "ZoneSpan",
]

# What these columns are sealed for, said again where they are looked up or come as JSON.
EMAIL, CONDITION_WORDS = "patient.email", "patient_condition.words"
CARE_EMAIL = "care_grant.email"


class CareEnded(models.TextChoices):
    """Why a clinic no longer treats somebody."""

    DIED = "died", "The patient died"
    MOVED = "moved", "The patient moved to another clinic"
    DISCHARGED = "discharged", "The clinic discharged the patient"


class Sex(models.TextChoices):
    """FHIR's administrative genders that are asked for, because ranges and lines differ; it may stay unsaid ("")."""

    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"


# The sequence rises with every night told; the index says again what the address says.
@history.tracked(leaving_out=["change_sequence", "email_index"])
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
    # "" is not said: rules and ranges then take the line that warns earlier.
    sex = models.CharField(max_length=6, choices=Sex.choices, blank=True, default="", db_default="")
    record_number = models.CharField(max_length=40)
    email = SealedTextField(EMAIL, max_length=254, blank=True)
    # Whether an address is this one may be asked of the database: by `common.sealed.indexes`, never by its letters.
    email_index = BlindIndexField("email")
    zone_name = models.CharField(max_length=64)
    context_note = SealedTextField("patient.context_note", blank=True)
    registered_at = models.DateTimeField()
    registered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)
    change_sequence = models.BigIntegerField(default=0)
    # Null: open to all of the clinic who read records. Else only the care team may know that the record is there.
    restricted_at = models.DateTimeField(null=True)
    restricted_because = SealedTextField("patient.restricted_because", blank=True, default="", db_default="")
    # Null: in this clinic's care. Else nothing is prescribed, sent or asked for any more.
    care_ended_at = models.DateTimeField(null=True)
    care_ended_because = models.CharField(
        max_length=10, choices=CareEnded.choices, blank=True, default="", db_default=""
    )
    care_ended_words = SealedTextField("patient.care_ended_words", blank=True, default="", db_default="")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "record_number"], name="one_patient_per_clinic_and_record_number"
            ),
            models.CheckConstraint(
                condition=models.Q(sex__in=["", "female", "male", "other"]), name="a_sex_is_one_of_the_list"
            ),
            models.CheckConstraint(
                condition=models.Q(care_ended_at=None, care_ended_because="")
                | (models.Q(care_ended_at__isnull=False) & ~models.Q(care_ended_because="")),
                name="care_that_ended_says_why",
            ),
        ]
        indexes = [models.Index(fields=["clinic", "sort_key", "id"], name="patient_by_clinic_and_name")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)


@history.tracked()
class ZoneSpan(models.Model):
    """Where the patient's nights are counted from a moment on; the newest row is the patient's zone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="zone_spans")
    zone_name = models.CharField(max_length=64)
    from_at = models.DateTimeField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient", "from_at"], name="one_zone_per_patient_and_moment")]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(deletions=True)
class PatientCondition(models.Model):
    """A condition the patient is treated for: a code of `conditions.toml`, or "other" with words."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="conditions")
    position = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=40)
    words = SealedTextField(CONDITION_WORDS, max_length=200, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "position"], name="one_condition_per_patient_and_position"),
            models.CheckConstraint(
                condition=~models.Q(code="other") | ~models.Q(words=""), name="another_condition_has_words"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(deletions=True)
class Medicine(models.Model):
    """One medicine, one line, as the person wrote it; ended, never deleted.

    Days are the patient's. `last_taken_on` is the last dose known of, `stopped_on` the day it was given up; without
    that it goes on. `recorded_at` and `recorded_by` are of the last change; older versions are in the history.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="medicines")
    position = models.PositiveSmallIntegerField()
    words = SealedTextField("medicine.words", max_length=300)
    started_on = models.DateField(null=True)
    last_taken_on = models.DateField(null=True)
    stopped_on = models.DateField(null=True)
    version = models.PositiveIntegerField(default=1, db_default=1)
    recorded_at = models.DateTimeField(null=True)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "position"], name="one_medicine_per_patient_and_position"),
            models.CheckConstraint(
                condition=models.Q(stopped_on=None)
                | models.Q(started_on=None)
                | models.Q(stopped_on__gte=models.F("started_on")),
                name="a_medicine_stops_after_it_starts",
            ),
            models.CheckConstraint(
                condition=models.Q(last_taken_on=None)
                | models.Q(started_on=None)
                | models.Q(last_taken_on__gte=models.F("started_on")),
                name="a_medicine_is_taken_after_it_starts",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class ContactPreference(models.Model):
    """What the patient is sent and when, and whether their address still takes mail."""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, primary_key=True, related_name="contact")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    reminders_by_email = models.BooleanField(default=True)
    # The patient's own wall clock; a night is logged on the morning after it.
    log_reminder_at = models.TimeField()
    address_failed_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["clinic", "address_failed_at"],
                condition=models.Q(address_failed_at__isnull=False),
                name="contact_by_failed_address",
            )
        ]

    def __str__(self) -> str:
        return str(self.patient_id)


@history.tracked(leaving_out=["token_digest", "desk_code_digest"])
class Invitation(models.Model):
    """A way in for one phone, once: the mailed token, opened with the date of birth or with a code from the desk.

    Only digests are kept. A newer invitation replaces the older one.
    """

    SCOPED_BY = ("token_digest",)

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

    objects = ScopedQuerySet.as_manager()

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


@history.tracked(
    leaving_out=[
        *("secret_digest", "rotated_at", "last_used_at"),
        *("pin_hash", "pin_tries", "sitting_digest", "sitting_until"),
    ]
)
class Phone(models.Model):
    """A device that was let in and is remembered until it expires or is revoked. Only a digest of its secret is kept.

    It is a patient's own, or a carer's: then it belongs to no clinic, for the carer's grants name the patients.
    `proved_until` is how long a fresh proof opens history and chart on it. `secret_digest` is of the secret in force;
    others that were offered or retired are `PhoneSecret`s. A PIN, if its holder chose one, is asked once a sitting.
    """

    class Because(models.TextChoices):
        """Why a phone is no longer remembered."""

        HOLDER = "holder", "forgotten by whoever held it"
        CLINIC = "clinic", "forgotten by the clinic"
        COPIED = "copied", "its key was used twice, as if somebody had copied it"

    SCOPED_BY = ("secret_digest", "carer")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, null=True, related_name="phones")
    carer = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="phones")
    secret_digest = models.CharField(max_length=64, unique=True)
    let_in_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_because = models.CharField(max_length=10, choices=Because.choices, blank=True, default="", db_default="")
    proved_until = models.DateTimeField(null=True)
    # What it calls itself, in two words such as "Android, Chrome", so that its holder can tell two apart.
    device = models.CharField(max_length=60, blank=True, default="", db_default="")
    rotated_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    pin_hash = models.CharField(max_length=128, blank=True, default="", db_default="")
    pin_tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    sitting_digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    sitting_until = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(patient__isnull=False, clinic__isnull=False, carer=None)
                | models.Q(patient=None, clinic=None, carer__isnull=False),
                name="a_phone_is_a_patients_or_a_carers",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class PhoneSecret(models.Model):
    """A secret of a phone that is not the one in force: offered and not yet used, or retired (`retired_at`)."""

    SCOPED_BY = ("secret_digest", "carer")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # As on the phone: the patient's clinic, or the carer.
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="+")
    carer = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    phone = models.ForeignKey(Phone, on_delete=models.PROTECT, related_name="secrets")
    secret_digest = models.CharField(max_length=64, unique=True)
    offered_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)


class MailAsked(models.Model):
    """That a proof was asked for by mail, or an emergency card opened: keyed digests of the address, of the network
    address and of the card, to count by.

    Of no clinic: one mailbox may belong to patients of several. What is older than an hour counts for nothing.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    counted_as = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["counted_as", "at"], name="mail_asked_by_digest")]

    def __str__(self) -> str:
        return str(self.id)


class FreshCode(models.Model):
    """A fresh proof mailed to whoever holds the phone: a link and six digits, either once, for ten minutes.

    The link works in the browser that asked; anywhere else it shows the digits, which have five tries.
    """

    SCOPED_BY = ("token_digest",)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # As on the phone: the patient's clinic, or the carer.
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, null=True, related_name="+")
    carer = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    phone = models.ForeignKey(Phone, on_delete=models.PROTECT, related_name="codes")
    code_digest = models.CharField(max_length=64)
    token_digest = models.CharField(max_length=64, unique=True, null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    spent_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["phone"], condition=models.Q(spent_at=None), name="one_open_code_per_phone")
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(leaving_out=["token_digest", "code_digest", "address_index"])
class CareGrant(models.Model):
    """A dated permission for somebody to look after one patient: to view, or to view and log.

    Made by the patient or the clinic; it does nothing until the carer has opened its mailed invitation with the code
    that was told to them (`opened_at`, `user`). The invitation's token and code are kept as digests. `expires_on` is
    the first day, by the patient's clock, on which it no longer holds.
    """

    SCOPED_BY = ("token_digest", "user")

    class Rights(models.TextChoices):
        VIEW = "view", "look at the next dose, the plan and the nights"
        LOG = "log", "look, and also tell the last seven nights"

    class GrantedBy(models.TextChoices):
        PATIENT = "patient", "the patient"
        CLINIC = "clinic", "the clinic"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="care_grants")
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="care_grants")
    name = SealedTextField("care_grant.name", max_length=120)
    email = SealedTextField(CARE_EMAIL, max_length=254)
    # Tells two grants to one address without showing the address.
    address_index = BlindIndexField("email")
    relation = models.CharField(max_length=40, blank=True)
    rights = models.CharField(max_length=10, choices=Rights.choices)
    from_on = models.DateField()
    expires_on = models.DateField()
    granted_by = models.CharField(max_length=10, choices=GrantedBy.choices)
    granted_by_user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField()
    token_digest = models.CharField(max_length=64, unique=True)
    code_digest = models.CharField(max_length=64)
    invitation_expires_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    mailed_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "user"],
                condition=models.Q(revoked_at=None, user__isnull=False),
                name="one_open_grant_per_patient_and_carer",
            ),
            models.UniqueConstraint(
                fields=["patient", "address_index"],
                condition=models.Q(revoked_at=None),
                name="one_open_grant_per_patient_and_address",
            ),
            models.CheckConstraint(
                condition=models.Q(rights__in=["view", "log"]), name="a_carer_may_view_or_view_and_log"
            ),
            models.CheckConstraint(
                condition=models.Q(from_on__lt=models.F("expires_on")), name="a_grant_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=models.Q(opened_at=None) | models.Q(user__isnull=False), name="an_opened_grant_has_a_carer"
            ),
        ]
        indexes = [models.Index(fields=["user"], name="care_grant_by_carer")]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class CareTeamMember(models.Model):
    """A colleague who may open a restricted record, from `added_at` until `ended_at`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="care_team")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            # Every question about who may see whom reads the index of this one.
            models.UniqueConstraint(
                fields=["user", "patient"], condition=models.Q(ended_at=None), name="one_place_in_a_care_team"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class EmergencyAccess(models.Model):
    """A restricted record opened by a clinician outside its care team, with a reason, for an hour, for one patient.

    It stays on the reviewers' list until one of them has closed it with an outcome. It lasts while the membership does
    by which it was opened.
    """

    class Outcome(models.TextChoices):
        JUSTIFIED = "justified", "Justified"
        NOT_JUSTIFIED = "not_justified", "Not justified"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="emergency_accesses")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = SealedTextField("emergency_access.reason")
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    # Null: no mail server has taken the notice yet.
    noticed_at = models.DateTimeField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    review_outcome = models.CharField(max_length=20, choices=Outcome.choices, blank=True)
    review_words = SealedTextField("emergency_access.review_words", blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            # Who may see whom is asked by the index of this one.
            models.UniqueConstraint(
                fields=["user", "patient"],
                condition=models.Q(closed_at=None),
                name="one_open_emergency_per_person_and_patient",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("opened_at")), name="an_emergency_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=models.Q(reviewed_at=None, reviewed_by=None, review_outcome="", review_words="")
                | (
                    models.Q(reviewed_at__isnull=False, reviewed_by__isnull=False)
                    & models.Q(review_outcome__in=["justified", "not_justified"])
                    & ~models.Q(review_words="")
                ),
                name="a_review_says_who_when_what_and_why",
            ),
            models.CheckConstraint(
                condition=models.Q(reviewed_by=None) | ~models.Q(reviewed_by=models.F("user")),
                name="nobody_reviews_their_own_emergency",
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "opened_at"], condition=models.Q(reviewed_at=None), name="emergency_to_review"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


# How often it was opened is counted; each opening stands in the memory.
@history.tracked(leaving_out=["token_digest", "opened_count", "opened_at"])
class EmergencyCard(models.Model):
    """A way for a stranger to read, in an emergency, that the patient takes low-dose naltrexone and the last dose told.

    On paper or on a phone as a QR code: whoever holds it may open it, without signing in, until it is revoked. The
    token is kept as a digest, so a card is printed when it is made and never again.
    """

    SCOPED_BY = ("token_digest",)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="emergency_cards")
    token_digest = models.CharField(max_length=64, unique=True)
    shows_name = models.BooleanField(default=False)
    made_at = models.DateTimeField()
    # Null: the patient, before their first phone gave them an account.
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    revoked_at = models.DateTimeField(null=True)
    opened_count = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)


class EmergencyTry(models.Model):
    """Somebody tried to open a restricted record; so many tries an hour and no more."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["clinic", "user", "at"], name="emergency_tries_of_a_person")]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class Erasure(models.Model):
    """A record whose time is over, asked to be erased by one administrator and confirmed by another.

    `due_at` is set when a second person confirms, or a week ahead where the clinic has no second one. The owner's
    nightly run does it and writes what went (`removed`: rows by table). This row and the memory stay. A record that an
    undone import had brought is erased like that too, after a week.
    """

    class Because(models.TextChoices):
        """Why a record need not be kept."""

        OVER = "over", "its time is over"
        UNDONE = "undone", "the import that brought it was undone"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="erasures")
    because = models.CharField(max_length=10, choices=Because.choices, default=Because.OVER, db_default=Because.OVER)
    reason = SealedTextField("erasure.reason")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    confirmed_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    due_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    removed = models.JSONField(default=dict)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=models.Q(withdrawn_at=None), name="one_erasure_per_patient"
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_at=None, confirmed_by=None)
                | models.Q(confirmed_at__isnull=False, confirmed_by__isnull=False, due_at__isnull=False),
                name="a_confirmed_erasure_says_by_whom",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_by=None) | ~models.Q(confirmed_by=models.F("asked_by")),
                name="nobody_confirms_their_own_erasure",
            ),
            models.CheckConstraint(
                condition=models.Q(done_at=None)
                | models.Q(due_at__isnull=False, withdrawn_at=None, done_at__gte=models.F("due_at")),
                name="nothing_is_erased_before_it_is_due",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(done_at=None, withdrawn_at=None), name="erasure_to_do"),
            models.Index(fields=["clinic", "-asked_at"], name="erasure_by_clinic"),
        ]

    def __str__(self) -> str:
        return str(self.id)
