"""S26: several hands on one plan at the same moment. One deed stands, the others are told; the database agrees."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.db import IntegrityError, connection, connections, transaction

from accounts.actors import Actor
from common import clock
from common.refusals import Refused
from tests import factories, pages
from titration.models import PlanChange, Prescription, Step

pytestmark = pytest.mark.django_db(transaction=True)
HANDS = 6


def at_once(deeds: list[Callable[[], int]]) -> Counter[int]:
    """What each deed answered when all begin together, each on a connection of its own."""
    barrier, answers = threading.Barrier(len(deeds)), []

    def run(deed: Callable[[], int]) -> None:
        barrier.wait()
        try:
            answers.append(deed())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return Counter(answers)


@pytest.fixture
def prescriber() -> Actor:
    return factories.member(factories.clinic())


@pytest.fixture
def course(prescriber: Actor) -> Prescription:
    from accounts.models import Clinic

    patient = factories.patient(Clinic.objects.get(id=prescriber.clinic_id))
    return factories.prescription(patient, by=prescriber, at=clock.now() - timedelta(days=3))


def sender(prescriber: Actor, address: str, payload: dict[str, Any]) -> Callable[[], int]:
    client = pages.client_of(prescriber)
    return lambda: client.post(address, payload).status_code


def test_of_parallel_holds_of_what_was_seen_one_stands(prescriber: Actor, course: Prescription) -> None:
    payload = {"days": "3", "reason": "parallel", "seen_version": "1"}
    before = PlanChange.objects.count()
    answers = at_once([sender(prescriber, f"/courses/{course.id}/hold/", payload) for _ in range(HANDS)])
    assert answers == {302: 1, 409: HANDS - 1}
    course.refresh_from_db()
    assert (PlanChange.objects.count() - before, course.version) == (1, 2)


def test_of_different_deeds_on_what_was_seen_one_stands(prescriber: Actor, course: Prescription) -> None:
    hold = {"days": "3", "reason": "parallel", "seen_version": "1"}
    stop = {"reason": "parallel", "seen_version": "1"}
    deeds = [sender(prescriber, f"/courses/{course.id}/hold/", hold) for _ in range(3)]
    deeds += [sender(prescriber, f"/courses/{course.id}/stop/", stop) for _ in range(3)]
    assert at_once(deeds) == {302: 1, 409: 5}
    course.refresh_from_db()
    assert course.version == 2


def test_a_form_sent_twice_is_one_deed(prescriber: Actor, course: Prescription) -> None:
    send = sender(prescriber, f"/courses/{course.id}/hold/", {"days": "3", "reason": "twice", "seen_version": "1"})
    assert [send(), send()] == [302, 409]


def test_the_database_itself_refuses_steps_that_overlap(course: Prescription) -> None:
    step = Step.objects.filter(prescription=course).order_by("from_on").first()
    assert step is not None
    step.pk = None
    step._state.adding = True
    with pytest.raises(IntegrityError, match="no_overlapping_steps"), transaction.atomic():
        step.save(force_insert=True)


def test_the_database_itself_refuses_a_second_open_plan(course: Prescription) -> None:
    course.pk = None
    course._state.adding = True
    with pytest.raises(IntegrityError), transaction.atomic():
        course.save(force_insert=True)
    assert connection.is_usable()


@pytest.mark.parametrize("round_number", range(3))
def test_of_two_factors_removed_at_once_one_is_left(prescriber: Actor, round_number: int) -> None:
    kind = Authenticator.Type.WEBAUTHN
    keys = [
        Authenticator.objects.create(user_id=prescriber.user_id, type=kind, data={"name": name}) for name in ("a", "b")
    ]
    deeds = [sender(prescriber, f"/accounts/factors/webauthn/keys/{key.pk}/remove/", {}) for key in keys]
    assert at_once(deeds) == {302: 1, 409: 1}
    assert Authenticator.objects.filter(user_id=prescriber.user_id).count() == 1


def test_of_two_factors_the_deed_itself_keeps_one(prescriber: Actor) -> None:
    kind = Authenticator.Type.WEBAUTHN
    one, other = (
        Authenticator.objects.create(user_id=prescriber.user_id, type=kind, data={"name": name}) for name in ("a", "b")
    )
    one.delete()
    with pytest.raises(Refused):
        other.delete()
    assert Authenticator.objects.filter(pk=other.pk).exists()
