"""S04: through a pool in transaction mode, where one connection serves two clinics in turn, nothing passes over.

Two clinics' threads ask through real doors; the views behind them forget every filter. In between requests fail, lose
their connection, stream, and ask as nobody.
"""

import json
import logging
import random
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from django.db import connection, connections
from django.test import override_settings

from common import walls
from tests.pooling import pooled
from tests.security import doors
from tests.security.site import knocker
from tests.security.test_s04_context import two_clinics

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 6
PATHS = ("look", "look", "look", "look", "nest", "stream", "anybody", "nobody", "fail", "broken")
# A lost connection costs a new one through the pool, so these are fewer.
RARELY = 50


class Crowd:
    """Threads of two clinics, and what they saw that they should not have."""

    def __init__(self, requests: int, *, hang_up: bool = True) -> None:
        self.sessions = two_clinics()
        self.each, self.hang_up = requests // THREADS + 1, hang_up
        self.wrong: list[str] = []
        self.answered: Counter[str] = Counter()
        self._lock = threading.Lock()

    def run(self) -> None:
        """All at once; returns when every thread has asked its share."""
        clinics = list(self.sessions)
        # The name by which tests know a thread of a server: it begins blind, see tests.sight.
        threads = [
            threading.Thread(
                target=self._ask, args=(number, clinics[number % 2]), name=f"process_request_thread {number}"
            )
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _ask(self, number: int, clinic: str) -> None:
        knock, rng = knocker(), random.Random(number)
        try:
            for turn in range(self.each):
                rare = self.hang_up and turn % RARELY == RARELY - 1
                path = "hang_up" if rare else rng.choice(PATHS)
                self._note(clinic, path, self._one(knock, path, clinic))
        except Exception as error:  # noqa: BLE001  a thread that ends early must be told of, whatever ended it
            self._note(clinic, "thread", f"{type(error).__name__}: {error}")
        finally:
            connections.close_all()

    def _one(self, knock: Any, path: str, clinic: str) -> str:
        """One request; what is wrong with its answer."""
        if path == "nobody":  # not even a door: what any code sees that tells the database nothing
            return " ".join(doors.rows())
        status, body = knock(f"/{path}", "" if path == "anybody" else self.sessions[clinic])
        match path:
            case "look" | "nest":
                good = status == 200 and json.loads(body) == [clinic, clinic]
            case "anybody":
                good = (status, body) == (200, b"[]")
            case "stream":
                good = (status, body) == (200, b"0 0 0 ")
            case "hang_up":
                good = status == 503
            case _:
                good = status == 500
        return "" if good else f"{status} {body[:200]!r}"

    def _note(self, clinic: str, path: str, problem: str) -> None:
        with self._lock:
            self.answered[path] += 1
            if problem:
                self.wrong.append(f"{path} as {clinic}: {problem}")


def _through_a_pool(size: int, requests: int, spoil: Callable[[], None] = lambda: None, **more: Any) -> Crowd:
    with override_settings(ROOT_URLCONF="tests.security.doors"):
        crowd = Crowd(requests, **more)
        with pooled(size):
            spoil()
            logging.disable(logging.CRITICAL)  # a thousand errors on purpose
            try:
                crowd.run()
            finally:
                logging.disable(logging.NOTSET)
    return crowd


@pytest.mark.parametrize("size", [1, 2])
def test_no_clinic_sees_another_through_a_pool(size: int) -> None:
    crowd = _through_a_pool(size, 500)
    assert crowd.wrong == []
    assert set(crowd.answered) == {*PATHS, "hang_up"}


@pytest.mark.long
@pytest.mark.parametrize("size", [1, 2])
def test_no_clinic_sees_another_in_ten_thousand_requests(size: int) -> None:
    crowd = _through_a_pool(size, 5_000)
    assert crowd.wrong == []
    assert crowd.answered.total() >= 5_000


def test_a_word_that_outlasts_its_transaction_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The net has no hole: told to the connection and not to the transaction, the next client finds it."""

    def tell(connection: Any, before: walls.Context, now: walls.Context) -> None:
        with connection.cursor() as cursor:
            for name, word in asdict(now).items():
                if word:
                    cursor.execute(f"SELECT set_config('app.{name}', %s, false)", [word])
        walls._remember(connection, now)

    crowd = _through_a_pool(1, 200, lambda: monkeypatch.setattr(walls, "_tell", tell), hang_up=False)
    assert any(problem.startswith(("nobody", "anybody")) for problem in crowd.wrong), crowd.wrong


def test_the_test_itself_stays_outside_the_pool() -> None:
    port = connection.settings_dict["PORT"]
    with pooled(1):
        assert connection.settings_dict["PORT"] != port
        assert str(connection.connection.info.port) == str(port)
    assert connection.settings_dict["PORT"] == port
