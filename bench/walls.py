"""The patient page with the database's wall and without it, in turn, in one run on the same rows."""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection, transaction
from django.urls import reverse

from bench import owner, pages
from bench.line import Line
from common import clock, walls
from ldn_clinic import demo

PAIRS, REQUESTS = 40, 5
"""Short turns of each, one after the other: a busy moment of the machine falls on both."""
ENOUGH = 100


@dataclass(frozen=True)
class Cost:
    """Milliseconds of one request: of this process's CPU, waiting for the database, and in all."""

    cpu: float
    database: float
    whole: float


def lines() -> Iterator[Line]:
    """CPU, time of the database and the whole, and each ratio; and what telling it who acts costs."""
    today = clock.now().date()
    patient = pages.a_patient(today)
    cookie = f"{settings.SESSION_COOKIE_NAME}={pages.a_session()}"
    address = f"{reverse('desk:patient', args=[patient.id])}?range=all"
    call = pages.caller(WSGIHandler(), address, cookie)
    with_wall, without = _in_turn(call)
    yield Line(f"patient page, {pages.NIGHTS} nights, with the wall", f"{with_wall.whole:.2f} ms", _parts(with_wall))
    yield Line("the same without the wall", f"{without.whole:.2f} ms", _parts(without))
    for what, now, before in (
        ("CPU", with_wall.cpu, without.cpu),
        ("time of the database", with_wall.database, without.database),
    ):
        yield Line(f"with the wall against without: {what}", f"{now / before:.3f} x", f"{now - before:+.2f} ms")
    ratio = with_wall.whole / without.whole
    yield Line("with the wall against without: the whole page", f"{ratio:.3f} x", "target at most 1.10 x")
    yield Line("telling the database who acts", f"{_telling():.2f} ms", "each time")


def _parts(cost: Cost) -> str:
    return f"CPU {cost.cpu:.2f} ms, database {cost.database:.2f} ms"


def _in_turn(call: Callable[[], bytes]) -> tuple[Cost, Cost]:
    """The medians of both. The same answer must come either way, or they are not the same work."""
    costs: dict[bool, list[Cost]] = {True: [], False: []}
    bodies = set()
    for turn in range(2 * PAIRS):
        walled = turn % 2 == (turn // 2) % 2  # each goes first as often as the other
        with _wall(up=walled):
            bodies.add(len(call()))
            costs[walled].append(_cost(call))
    if len(bodies) != 1:
        raise SystemExit("The page is another without the wall.")
    return _median(costs[True]), _median(costs[False])


@contextmanager
def _wall(*, up: bool) -> Iterator[None]:
    """Row security off for the length of the block, unless it is to stay up."""
    if up:
        yield
        return
    with owner.connect() as database:
        found = database.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'").fetchall()
        tables = [name for (name,) in found]
        _row_security(database, tables, "DISABLE")
        try:
            yield
        finally:
            _row_security(database, tables, "ENABLE")


def _row_security(database: Any, tables: list[Any], verb: str) -> None:
    for name in tables:
        database.execute(f'ALTER TABLE "{name}" {verb} ROW LEVEL SECURITY')


def _cost(call: Callable[[], bytes]) -> Cost:
    waited = 0.0

    def watch(execute: Any, *of: Any) -> Any:
        nonlocal waited
        began = time.perf_counter()
        try:
            return execute(*of)
        finally:
            waited += time.perf_counter() - began

    with connection.execute_wrapper(watch):
        cpu, began = time.process_time(), time.perf_counter()
        for _ in range(REQUESTS):
            call()
        whole, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Cost(*(seconds * 1000 / REQUESTS for seconds in (cpu, waited, whole)))


def _median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, part) for cost in costs) for part in ("cpu", "database", "whole")))


def _telling() -> float:
    began = time.perf_counter()
    with transaction.atomic():
        for _ in range(ENOUGH):
            with walls.acting(clinic=demo.CLINIC_ID):
                pass
    return (time.perf_counter() - began) * 1000 / ENOUGH / 2
