"""Clinics are tenants; a person works in one or several, with a role in each."""

import uuid
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from common import history
from common.scoped import ScopedQuerySet
from common.sealed import SealedTextField


@history.tracked()
class Clinic(models.Model):
    """A tenant: every clinical row carries one. `zone` is where its working day happens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120)
    zone_name = models.CharField(max_length=64)
    phone = models.CharField(max_length=40)
    # The letterhead's lines; public, as on a door.
    address = models.TextField(max_length=400, blank=True, default="", db_default="")
    # Whom patients call when the clinic is closed and it cannot wait; "" where that is the same number.
    urgent_phone = models.CharField(max_length=40, blank=True, default="", db_default="")
    # Said to patients who write when nobody reads: when somebody will, and whom to call before that.
    after_hours_words = models.TextField()
    # How long a record is kept after its last entry. Null: nobody has decided, and nothing is ever over.
    retention_years = models.PositiveSmallIntegerField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(retention_years=None) | models.Q(retention_years__gte=6, retention_years__lte=50),
                name="records_are_kept_from_6_to_50_years",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone_name)


class UserManager(BaseUserManager["User"]):
    """Makes users; a user without a password cannot sign in by one."""

    def create_user(self, username: str, *, name: str, email: str = "", password: str | None = None) -> "User":
        user = self.model(username=self.model.normalize_username(username), name=name, email=email)
        user.set_password(password)
        user.save(using=self._db)
        return user


# Never the password, nor its hash: an old one may still open another door of the same person.
@history.tracked(leaving_out=["password", "last_login"])
class User(AbstractBaseUser):
    """A person who can act. Staff sign in with their e-mail address as `username`; patients by their phone.

    `email` is not unique: families share one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    username = models.CharField(max_length=254, unique=True)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    # What a prescription says of who signs it; both are in public registers. `npi`: ten digits, in the US.
    licence = models.CharField(max_length=80, blank=True, default="", db_default="")
    npi = models.CharField(max_length=10, blank=True, default="", db_default="")
    is_active = models.BooleanField(default=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"

    objects = UserManager()

    def __str__(self) -> str:
        return str(self.id)

    def get_full_name(self) -> str:
        return self.name


@history.tracked()
class Membership(models.Model):
    """A person's role in a clinic. What the role may do stands in `accounts.policy`."""

    class Role(models.TextChoices):
        PRESCRIBER = "prescriber", "Prescriber"
        NURSE = "nurse", "Nurse"
        STAFF = "staff", "Staff"
        AUDITOR = "auditor", "Auditor"
        ADMINISTRATOR = "administrator", "Administrator"
        PRINCIPAL = "principal", "Principal"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # A person's own places are theirs to know before any clinic is chosen.
    SCOPED_BY = ("user",)

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    # Another role is another row: who could do what on which day stays readable. Null: from the clinic's beginning.
    began_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "clinic"], condition=models.Q(ended_at=None), name="one_role_per_person_and_clinic"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Session(AbstractBaseSession):
    """A browser's session; `user` is who is signed in with it, nobody before that."""

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")

    class Meta:
        verbose_name = "session"

    @classmethod
    def get_session_store_class(cls) -> type:
        from accounts.session_engine import SessionStore  # noqa: PLC0415  the store is made of this model

        return SessionStore


@history.tracked(leaving_out=["token_digest"])
class MemberInvitation(models.Model):
    """A way into a clinic, mailed to one address: kept as a digest, good for a week, spent by the first taker."""

    SCOPED_BY = ("token_digest",)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    address = SealedTextField("member_invitation.address", max_length=254)
    role = models.CharField(max_length=20, choices=Membership.Role.choices)
    token_digest = models.CharField(max_length=64, unique=True)
    # Null: the clinic's first administrator is invited by whoever set the clinic up.
    invited_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    mailed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(accepted_at=None, accepted_by=None)
                | models.Q(accepted_at__isnull=False, accepted_by__isnull=False, withdrawn_at=None),
                name="taken_by_somebody_and_not_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(deletions=True)
class ClinicHours(models.Model):
    """When somebody reads what patients write: one stretch of one weekday (0 is Monday), by the clinic's own clock."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    weekday = models.PositiveSmallIntegerField()
    opens = models.TimeField()
    closes = models.TimeField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "weekday", "opens"], name="one_stretch_per_weekday_and_opening"),
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="a_weekday_is_0_to_6"),
            models.CheckConstraint(condition=models.Q(closes__gt=models.F("opens")), name="a_clinic_closes_later"),
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(deletions=True)
class ClosedDate(models.Model):
    """A day on which the clinic is closed whatever the weekday says."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    on = models.DateField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clinic", "on"], name="one_closing_per_clinic_and_date")]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked()
class Cover(models.Model):
    """A colleague answers for another from a day to a day, by the clinic's own clock; `until_on` is excluded."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    away = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    covers = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    from_on = models.DateField()
    until_on = models.DateField()
    ended_at = models.DateTimeField(null=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until_on__gt=models.F("from_on")), name="a_cover_ends_after_it_begins"
            ),
            models.CheckConstraint(condition=~models.Q(away=models.F("covers")), name="nobody_covers_themself"),
        ]

    def __str__(self) -> str:
        return str(self.id)


@history.tracked(deletions=True)
class UrgentContact(models.Model):
    """Who is told of something urgent, in this order; after `minutes` without anybody opening it, the next one is."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey(Clinic, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    # A telephone that takes text messages; "" where mail is enough.
    text_to = SealedTextField("urgent_contact.text_to", max_length=20, blank=True, default="")
    minutes = models.PositiveSmallIntegerField()

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clinic", "position"], name="one_urgent_contact_per_position"),
            models.UniqueConstraint(fields=["clinic", "user"], name="one_place_in_the_urgent_route_per_person"),
            models.CheckConstraint(
                condition=models.Q(minutes__gte=5, minutes__lte=240), name="an_urgent_contact_has_5_to_240_minutes"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)
