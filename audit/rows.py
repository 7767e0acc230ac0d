"""How the keeper of the chains reads them: whole rows in pages, whatever the clinic."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from audit.models import AuditEvent
from common import walls

Chain = uuid.UUID | None
"""A clinic's chain; None is the chain of the events that belong to no clinic."""

COLUMNS = (*(field.column for field in AuditEvent._meta.concrete_fields), "written_in")  # noqa: SLF001
"""Every column of the table: all of them are sealed."""

# The transaction's number as a whole number, the rest as it is.
_SELECTED = ", ".join("e.written_in::text::bigint" if name == "written_in" else f'e."{name}"' for name in COLUMNS)
_JSON = [index for index, name in enumerate(COLUMNS) if name == "details"]

UNSEALED = f"""
SELECT {_SELECTED}, pg_snapshot_xmin(pg_current_snapshot())::text::bigint
FROM audit_auditevent e
WHERE e.clinic_id {{is_chain}} {{within}}
  AND NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.event_id = e.id)
ORDER BY e.written_in, e.id LIMIT %(limit)s
"""
SEALED = f"""
SELECT s.number, s.previous, s.hash, s.event_id, {_SELECTED}
FROM audit_seal s LEFT JOIN audit_auditevent e ON e.id = s.event_id
WHERE s.clinic_id {{is_chain}} AND s.number > %(after)s
ORDER BY s.number LIMIT %(limit)s
"""
CHAINS = """
WITH RECURSIVE known AS (
  (SELECT clinic_id FROM {table} WHERE clinic_id IS NOT NULL ORDER BY clinic_id LIMIT 1)
  UNION ALL
  SELECT (SELECT t.clinic_id FROM {table} t WHERE t.clinic_id > known.clinic_id ORDER BY t.clinic_id LIMIT 1)
  FROM known WHERE known.clinic_id IS NOT NULL
)
SELECT clinic_id FROM known WHERE clinic_id IS NOT NULL
"""


@contextmanager
def keeping() -> Iterator[CursorWrapper]:
    """A cursor with the sealer's rights: it reads every chain and adds seals. Who serves pages may not take them."""
    with walls.taking(walls.SEALER_ROLE), connection.cursor() as cursor:
        yield cursor


@dataclass(frozen=True)
class Head:
    """The newest seal of a chain; number 0 is a chain not begun."""

    number: int
    hash: bytes
    finished_below: int
    event_id: uuid.UUID | None


@dataclass(frozen=True)
class SealedRow:
    """A seal with the event it seals; `columns` is None where the event is gone."""

    number: int
    previous: bytes
    hash: bytes
    event_id: uuid.UUID
    columns: dict[str, object] | None


def chains() -> list[Chain]:
    """Every chain there is: those with events, those with seals, and always that of no clinic."""
    with keeping() as cursor:
        found: set[uuid.UUID] = set()
        for table in ("audit_auditevent", "audit_seal"):
            cursor.execute(CHAINS.format(table=table))
            found.update(clinic_id for (clinic_id,) in cursor.fetchall())
    return [None, *sorted(found)]


def head(chain: Chain) -> Head | None:
    """The newest seal; None where nothing is sealed yet."""
    with keeping() as cursor:
        cursor.execute(
            f"SELECT number, hash, finished_below, event_id FROM audit_seal WHERE clinic_id {_is(chain)} "
            "ORDER BY number DESC LIMIT 1",
            {"chain": chain},
        )
        row = cursor.fetchone()
    return Head(row[0], bytes(row[1]), row[2], row[3]) if row else None


def unsealed(chain: Chain, *, finished_below: int, limit: int) -> tuple[list[dict[str, object]], int]:
    """At most `limit` events that have no seal, in the order of the transactions that wrote them, and the mark for the
    next look: below it every transaction has ended and none of its events is left.

    Looks from the mark `finished_below` on. A mark that no transaction here has reached yet came with the rows in a
    copy from another server, whose transactions were counted apart: then all rows are looked at, once.
    """
    within = "AND e.written_in >= %(mark)s::text::xid8 AND e.written_in < pg_snapshot_xmax(pg_current_snapshot())"
    with keeping() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        copied = finished_below > cursor.fetchone()[0]
        question = UNSEALED.format(is_chain=_is(chain), within="" if copied else within)
        cursor.execute(question, {"chain": chain, "mark": finished_below, "limit": limit})
        found = cursor.fetchall()
    events = [_event(row[:-1]) for row in found]
    if len(events) < limit:
        return events, found[0][-1] if found else finished_below
    # More may lie beyond the last one, of its own transaction too.
    return events, finished_below if copied else min(found[0][-1], int(str(events[-1]["written_in"])))


def unsealed_before(chain: Chain, moment: Any) -> list[tuple[uuid.UUID, Any]]:
    """Id and time of every event older than `moment` that has no seal, whenever it was written."""
    with keeping() as cursor:
        cursor.execute(
            f"SELECT e.id, e.at FROM audit_auditevent e WHERE e.clinic_id {_is(chain)} AND e.at < %(moment)s "
            "AND NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.event_id = e.id) ORDER BY e.at, e.id",
            {"chain": chain, "moment": moment},
        )
        return list(cursor.fetchall())


def sealed(chain: Chain, *, page: int) -> Iterator[SealedRow]:
    """A whole chain in order, a page at a time."""
    after = 0
    while True:
        with keeping() as cursor:
            cursor.execute(SEALED.format(is_chain=_is(chain)), {"chain": chain, "after": after, "limit": page})
            rows = cursor.fetchall()
        for number, previous, own_hash, event_id, *event in rows:
            columns = _event(tuple(event)) if event[0] is not None else None
            yield SealedRow(number, bytes(previous), bytes(own_hash), event_id, columns)
        if len(rows) < page:
            return
        after = rows[-1][0]


def seal_at(chain: Chain, number: int) -> tuple[bytes, uuid.UUID] | None:
    """The hash and the event of one seal."""
    with keeping() as cursor:
        cursor.execute(
            f"SELECT hash, event_id FROM audit_seal WHERE clinic_id {_is(chain)} AND number = %(number)s",
            {"chain": chain, "number": number},
        )
        row = cursor.fetchone()
    return (bytes(row[0]), row[1]) if row else None


def count_of(chain: Chain) -> int:
    """How many seals a chain has."""
    with keeping() as cursor:
        cursor.execute(f"SELECT count(*) FROM audit_seal WHERE clinic_id {_is(chain)}", {"chain": chain})
        (count,) = cursor.fetchone()
    return int(count)


def _is(chain: Chain) -> str:
    return "IS NULL" if chain is None else "= %(chain)s"


def _event(row: tuple[Any, ...]) -> dict[str, object]:
    values = list(row)
    for index in _JSON:
        values[index] = json.loads(values[index]) if isinstance(values[index], str) else values[index]
    return dict(zip(COLUMNS, values, strict=True))
