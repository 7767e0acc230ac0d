"""The life of an export: queued -> running -> done -> expired, or failed.

The row is the truth and the queue a bell: a lost message or a dead worker delays an export, and a doubled message
finds nothing to do. Who holds the lease may write; who lost it can change nothing any more.
"""

import hashlib
import logging
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import IO

from celery import current_app
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F
from kombu.exceptions import OperationalError as BrokerDown

from accounts import actors, policy
from accounts import selectors as accounts_selectors
from accounts.actors import Actor
from audit import services as audit
from common import walls
from common.refusals import Refused
from exports import datasets, files, selectors
from exports.models import Export
from exports.writers import csv
from patients.models import Patient

LASTS = timedelta(hours=24)
LEASE = timedelta(seconds=120)
"""How long a silent worker is trusted; a live one renews it. Longer than any statement may take."""
RENEW = timedelta(seconds=1)
ATTEMPTS = 3
RING_AGAIN = timedelta(seconds=30)
"""How long a waiting export may be under way through the queue before the sweep rings again."""
LAST_DOWNLOAD = timedelta(minutes=1)
"""A download begun in the last moment may end before the file is shredded."""

MOST_WAITING = 5
"""Of one person: whoever takes everything out again and again waits for it."""

State = Export.State
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """An export and its open file, which the caller closes."""

    export: Export
    file: IO[bytes]


class LeaseLost(Exception):
    """Another worker has been given this export."""


@transaction.atomic
def ask(*, patient: Patient | None, request_key: uuid.UUID, by: Actor, at: datetime) -> Export:
    """Queue an export of one patient's nights, or of all that `by` may see. The same key again is the same export.

    It is made once this transaction stands; a queue that is down delays it and loses nothing.
    """
    policy.check(by, policy.Permission.EXPORT)
    wanted = Export(clinic_id=by.clinic_id, owner_id=by.user_id, patient=patient, request_key=request_key)
    wanted.requested_at = at
    _check_turn(by, request_key)
    Export.objects.bulk_create([wanted], ignore_conflicts=True)
    export = selectors.own(by).filter(request_key=request_key).first()
    if export is None:
        raise Refused("This form has been used already. Reload the page and ask again.")
    if export.id == wanted.id:
        patients = [patient.id] if patient else []
        audit.record(
            by=by, at=at, action="export.ask", patients=patients, subject=export.id, details={"of": _of(export)}
        )
        transaction.on_commit(lambda: _ring(export.id), robust=True)
    return export


def run(export_id: uuid.UUID, *, now: Callable[[], datetime]) -> None:
    """Make a queued export. Whatever else has become of it, or is being made of it elsewhere, this does nothing.

    `now` tells the time again and again, for the lease must be renewed while the work goes on.
    """
    lease = uuid.uuid4()
    if not _claim(export_id, lease, at=now()):
        return
    try:
        _make(export_id, lease, now)
    except LeaseLost:
        log.warning("export %s is another worker's now", export_id)
    except (OperationalError, InterfaceError) as error:
        # Nothing can be written at this moment; the lease runs out and the sweep queues it again.
        log.warning("export %s lost its database: %s", export_id, type(error).__name__)
        connection.close()
    except Exception as error:  # noqa: BLE001  whatever went wrong, the owner must be told and the row must end
        _fail(export_id, lease, type(error).__name__, at=now())
    finally:
        files.shred_draft(lease)


def sweep(*, at: datetime) -> None:
    """Queue again what a dead worker left, ring again for what nobody took, shred what has expired."""
    _take_back(at)
    _shred_left_drafts()
    for export in Export.objects.across_clinics().filter(state=State.DONE, expires_at__lte=at - LAST_DOWNLOAD):
        _expire(export, at)
    waiting = (
        Export.objects.across_clinics()
        .filter(state=State.QUEUED, requested_at__lte=at - RING_AGAIN)
        .order_by("requested_at")
    )
    for export_id in waiting.values_list("id", flat=True)[:100]:
        _ring(export_id)


@transaction.atomic
def fetch(*, export_id: uuid.UUID, by: Actor, at: datetime) -> Fetched | None:
    """Open a finished export for its owner, and remember it, with whose nights it holds.

    None, equally for one that is unknown, another's, not ready, or expired; that is remembered too.
    """
    policy.check(by, policy.Permission.EXPORT)
    export = selectors.fetchable(by, export_id, at=at)
    try:
        file = files.open_finished(export_id) if export else None
    except FileNotFoundError:
        log.error("the file of export %s is gone", export_id)
        file = None
    if export is None or file is None:
        audit.record(by=by, at=at, action="export.fetch", subject=export_id, result="denied", reason="nothing to fetch")
        return None
    try:
        audit.record(
            by=by,
            at=at,
            action="export.fetch",
            patients=export.patient_ids,
            subject=export.id,
            row_count=export.rows_done,
            details={"of": _of(export), "rows": export.rows_done, "sha256": export.sha256},
        )
    except audit.NotRemembered:
        file.close()
        raise
    return Fetched(export, file)


def _check_turn(by: Actor, request_key: uuid.UUID) -> None:
    """Refuse one more while so many of theirs are being made; the same click again is no more."""
    waiting = selectors.own(by).filter(state__in=(State.QUEUED, State.RUNNING)).exclude(request_key=request_key)
    if waiting.count() >= MOST_WAITING:
        raise Refused(f"{MOST_WAITING} exports of yours are being made. Wait until one is ready, then ask again.")


def _of(export: Export) -> str:
    return "one patient" if export.patient_id else "all patients"


def _ring(export_id: uuid.UUID) -> None:
    """Tell a worker, by id only. A queue that does not answer at once is left to the sweep."""
    with current_app.connection_for_write() as broker:
        try:
            broker.ensure_connection(max_retries=0)
            current_app.send_task("exports.make", [str(export_id)], connection=broker)
        except (BrokerDown, *broker.connection_errors) as error:
            log.warning("export %s waits for the queue: %s", export_id, type(error).__name__)


def _claim(export_id: uuid.UUID, lease: uuid.UUID, *, at: datetime) -> bool:
    """Take a queued row by one conditional statement; of two workers one gets it."""
    queued = Export.objects.across_clinics().filter(id=export_id, state=State.QUEUED, attempts__lt=ATTEMPTS)
    return bool(
        queued.update(state=State.RUNNING, lease=lease, lease_until=at + LEASE, attempts=F("attempts") + 1, rows_done=0)
    )


def _make(export_id: uuid.UUID, lease: uuid.UUID, now: Callable[[], datetime]) -> None:
    export = Export.objects.across_clinics().select_related("owner").get(id=export_id)
    with walls.acting(clinic=export.clinic_id, using=settings.EXPORT_DATABASE):
        written = _read_and_write(export, lease, now)
    _finish(export, lease, written, at=now())


def _read_and_write(export: Export, lease: uuid.UUID, now: Callable[[], datetime]) -> "_Written":
    owner = accounts_selectors.member_actor(export.owner, clinic_id=str(export.clinic_id))
    if owner is None or not export.owner.is_active:
        raise Refused("Who asked for this export is no longer a member of the clinic.")
    policy.check(owner, policy.Permission.EXPORT)
    selection = datasets.Selection(export_id=export.id, owner=owner, patient_id=export.patient_id, at=now())
    Export.objects.across_clinics().filter(id=export.id, lease=lease).update(rows_total=datasets.expected(selection))
    return _write(selection, lease, now)


@dataclass(frozen=True)
class _Written:
    rows: int
    sha256: str
    patient_ids: set[uuid.UUID]


def _write(selection: datasets.Selection, lease: uuid.UUID, now: Callable[[], datetime]) -> _Written:
    """The draft of this lease, a chunk of rows at a time."""
    digest, count, patient_ids = hashlib.sha256(), 0, set()
    told_at = now()
    with closing(datasets.rows(selection)) as rows, files.draft(lease) as draft:
        page = csv.header(datasets.COLUMNS)
        while page:
            digest.update(page)
            draft.write(page)
            chunk = list(islice(rows, datasets.CHUNK))
            page = csv.records(chunk)
            count += len(chunk)
            patient_ids.update({str(row[datasets.PATIENT_ID]) for row in chunk})
            if now() - told_at >= RENEW:
                told_at = now()
                _progress(selection.export_id, lease, count, at=told_at)
    return _Written(count, digest.hexdigest(), {uuid.UUID(patient_id) for patient_id in patient_ids})


def _progress(export_id: uuid.UUID, lease: uuid.UUID, rows_done: int, *, at: datetime) -> None:
    held = Export.objects.across_clinics().filter(id=export_id, lease=lease)
    if not held.update(rows_done=rows_done, lease_until=at + LEASE):
        raise LeaseLost


@transaction.atomic
def _finish(export: Export, lease: uuid.UUID, written: _Written, *, at: datetime) -> None:
    """The row first, for its lock keeps any other worker from publishing; the file moves before the row is seen."""
    ready = (
        Export.objects.across_clinics()
        .filter(id=export.id, lease=lease)
        .update(
            state=State.DONE,
            lease=None,
            lease_until=None,
            finished_at=at,
            expires_at=at + LASTS,
            rows_total=written.rows,
            rows_done=written.rows,
            sha256=written.sha256,
            patient_ids=sorted(written.patient_ids),
        )
    )
    if not ready:
        raise LeaseLost
    audit.record(
        by=actors.system(export.clinic_id),
        at=at,
        action="export.made",
        patients=written.patient_ids,
        subject=export.id,
        row_count=written.rows,
        details={"of": _of(export), "rows": written.rows, "sha256": written.sha256},
    )
    files.publish(lease, export.id)


@transaction.atomic
def _fail(export_id: uuid.UUID, lease: uuid.UUID, error_class: str, *, at: datetime) -> None:
    log.error("export %s failed: %s", export_id, error_class)
    over = {"state": State.FAILED, "lease": None, "lease_until": None, "finished_at": at}
    if Export.objects.across_clinics().filter(id=export_id, lease=lease).update(**over, error_class=error_class[:60]):
        files.shred(export_id)
        _record_end("export.failed", export_id, error_class, at)


@transaction.atomic
def _take_back(at: datetime) -> None:
    lapsed = Export.objects.across_clinics().filter(state=State.RUNNING, lease_until__lte=at)
    for export_id in lapsed.filter(attempts__gte=ATTEMPTS).values_list("id", flat=True):
        over = {"state": State.FAILED, "lease": None, "lease_until": None, "finished_at": at}
        if lapsed.filter(id=export_id).update(**over, error_class="LeaseLapsed"):
            files.shred(export_id)
            _record_end("export.failed", export_id, "LeaseLapsed", at)
    lapsed.filter(attempts__lt=ATTEMPTS).update(state=State.QUEUED, lease=None, lease_until=None)


def _shred_left_drafts() -> None:
    """The drafts are listed before the leases are asked for: one that is being written cannot be missed."""
    drafts = files.drafts()
    live = set(Export.objects.across_clinics().filter(state=State.RUNNING).values_list("lease", flat=True))
    for lease in drafts - live:
        files.shred_draft(lease)


@transaction.atomic
def _expire(export: Export, at: datetime) -> None:
    if Export.objects.across_clinics().filter(id=export.id, state=State.DONE).update(state=State.EXPIRED):
        files.shred(export.id)
        _record_end("export.expired", export.id, "", at)


def _record_end(action: str, export_id: uuid.UUID, reason: str, at: datetime) -> None:
    clinic_id = Export.objects.across_clinics().values_list("clinic_id", flat=True).get(id=export_id)
    audit.record(by=actors.system(clinic_id), at=at, action=action, subject=export_id, reason=reason)
