"""The sealer: hangs every new event on its clinic's chain, a moment after it was written.

Events are inserted without waiting for each other, more than a thousand a second; one locked head a clinic would make
them queue. So they become visible in another order than they were begun in, and a sealer that remembered the last one
it saw would step over those that come late. This one remembers below which number every transaction had ended, looks
at all from there on, and seals what it can see and has no seal: nothing is stepped over, nothing waits for a stranger.
"""

from datetime import datetime

from django.db import connection, transaction

from audit import chain as chains
from audit import rows
from audit.rows import Chain

BATCH = 5_000
"""Events sealed in one transaction: about a quarter of a second."""


def seal(*, at: datetime) -> int:
    """Seal what is not sealed yet in every chain; how many events that were. Any number may run at once."""
    return sum(seal_chain(chain, at=at) for chain in rows.chains())


def seal_chain(chain: Chain, *, at: datetime) -> int:
    """Seal one chain to its end. A chain that another sealer holds is left to it."""
    sealed = 0
    while count := _seal_batch(chain, at):
        sealed += count
        if count < BATCH:
            break
    return sealed


@transaction.atomic
def _seal_batch(chain: Chain, at: datetime) -> int:
    if not _alone(chain):
        return 0
    head = rows.head(chain) or rows.Head(0, chains.GENESIS, 0, None)
    events, finished_below = rows.unsealed(chain, finished_below=head.finished_below, limit=BATCH)
    if not events:
        return 0
    previous, links = head.hash, []
    for number, event in enumerate(events, head.number + 1):
        own_hash = chains.link(previous, chains.canonical(event))
        links.append((event["id"], number, previous, own_hash))
        previous = own_hash
    _append(chain, links, finished_below, at)
    return len(links)


def _alone(chain: Chain) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit_seal {chain}"])
        (alone,) = cursor.fetchone()
    return bool(alone)


def _append(chain: Chain, links: list[tuple[object, int, bytes, bytes]], finished_below: int, at: datetime) -> None:
    ids, numbers, before, own = (list(column) for column in zip(*links, strict=True))
    with rows.keeping() as cursor:
        cursor.execute(
            "INSERT INTO audit_seal (event_id, number, previous, hash, clinic_id, finished_below, at) "
            "SELECT event_id, number, previous, hash, %s, %s, %s "
            "FROM unnest(%s::uuid[], %s::bigint[], %s::bytea[], %s::bytea[]) AS s(event_id, number, previous, hash)",
            [chain, finished_below, at, ids, numbers, before, own],
        )
