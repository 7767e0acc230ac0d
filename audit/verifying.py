"""Finds what was done to the memory behind our back, and names it: the clinic, the number in its chain, the event."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from audit import chain as chains
from audit import rows
from audit.anchoring import Anchor
from audit.rows import Chain, SealedRow

MOST_UNSEALED = timedelta(seconds=30)
"""How old an event may be without its seal: three rounds of the sealer."""
PAGE = 5_000


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `number` and `event_id` are None where nothing is left to name."""

    chain: Chain
    number: int | None
    event_id: uuid.UUID | None
    what: str

    def __str__(self) -> str:
        whose = f"clinic {self.chain}" if self.chain else "no clinic"
        number = f", number {self.number}" if self.number is not None else ""
        event = f", event {self.event_id}" if self.event_id else ""
        return f"{whose}{number}{event}: {self.what}"


@dataclass(frozen=True)
class Report:
    """How many sealed events were looked at, and what was wrong."""

    events: int
    faults: list[Fault]


def verify(*, at: datetime, anchors: Iterable[Anchor] = ()) -> Report:
    """Read every chain from its beginning; with anchors, also what was cut off or written anew as a whole."""
    known, faults, events = rows.chains(), [], 0
    for chain in known:
        walk = _Walk(chain)
        faults += walk.faults()
        events += walk.events
        faults += [
            Fault(chain, None, event_id, f"has no seal, and is of {moment:%Y-%m-%d %H:%M:%S} UTC")
            for event_id, moment in rows.unsealed_before(chain, at - MOST_UNSEALED)
        ]
    faults += [fault for anchor in anchors if (fault := _against(anchor))]
    return Report(events, faults)


class _Walk:
    """One chain read from its first seal to its last. After a fault it goes on from what stands there, so that one
    wrong row is one fault."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.events = chain, 0

    def faults(self) -> Iterator[Fault]:
        before: SealedRow | None = None
        for row in rows.sealed(self.chain, page=PAGE):
            self.events += 1
            yield from self._gap(before, row)
            yield from self._row(row)
            before = row

    def _gap(self, before: SealedRow | None, row: SealedRow) -> Iterator[Fault]:
        number, own_hash = (before.number, before.hash) if before else (0, chains.GENESIS)
        if row.number > number + 1:
            last = row.number - 1
            span = f"{number + 1}" if last == number + 1 else f"{number + 1} to {last}"
            yield Fault(self.chain, number + 1, None, f"removed with its seal: {span} before event {row.event_id}")
        elif row.previous != own_hash:
            told = "written anew: the event after it hangs on something else" if before else "written anew"
            yield Fault(self.chain, (before or row).number, (before or row).event_id, told)

    def _row(self, row: SealedRow) -> Iterator[Fault]:
        if row.columns is None:
            yield Fault(self.chain, row.number, row.event_id, "removed")
        elif chains.link(row.previous, chains.canonical(row.columns)) != row.hash:
            yield Fault(self.chain, row.number, row.event_id, "altered")


def _against(anchor: Anchor) -> Fault | None:
    found = rows.seal_at(anchor.chain, anchor.number)
    if found is None:
        told = f"cut off: number {anchor.number} stood there on {anchor.at:%Y-%m-%d %H:%M:%S} UTC"
        return Fault(anchor.chain, anchor.number, anchor.event_id, told)
    if found != (anchor.hash, anchor.event_id):
        told = f"written anew since it was anchored on {anchor.at:%Y-%m-%d %H:%M:%S} UTC"
        return Fault(anchor.chain, anchor.number, found[1], told)
    return None
