"""A clinic's own templates: what is kept, who may, and that courses keep the version they began with."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.actors import Actor
from accounts.models import Clinic, Membership
from common.dose import Dose
from common.refusals import Refused, Stale
from tests import factories, memory
from titration import protocol_files
from titration.engine.course import ChangeProtocol, Supersede
from titration.engine.protocol import Protocol, Rung
from titration.models import Prescription, ProtocolDecision, ProtocolVersion
from titration.selectors import courses as courses_selectors
from titration.selectors import library as selectors
from titration.services import courses, library, protocols

pytestmark = pytest.mark.django_db
AT = factories.AT
ROLES = Membership.Role
OWN = replace(protocol_files.find("STD-2W"), id="OURS-2W", name="ours, every 2 weeks")
SLOWER = replace(OWN, rungs=(Rung(Dose.of("1.5"), 21), *OWN.rungs[1:]))


@pytest.fixture
def clinic() -> Clinic:
    protocols.load_shipped(at=AT)
    return factories.clinic()


@pytest.fixture
def by(clinic: Clinic) -> Actor:
    return factories.member(clinic, name="Test Prescriber")


def saved(by: Actor, protocol: Protocol = OWN, seen_version: int = 0, **more: Any) -> ProtocolVersion:
    values = {"strengths": [Dose.of("1.5")], "words": "as we do it", "at": AT, **more}
    return library.save(protocol=protocol, seen_version=seen_version, by=by, **values)


def codes(actor: Actor) -> list[tuple[str, int]]:
    return [(version.code, version.version) for version in courses_selectors.protocols_for(actor)]


class TestSaving:
    def test_a_version_of_its_own_that_says_who_and_waits_for_review(self, by: Actor, clinic: Clinic) -> None:
        version = saved(by)
        protocol = Protocol.from_json(version.body)
        assert (version.clinic, version.code, version.version) == (clinic, "OURS-2W", 1)
        assert (protocol.author, protocol.review, protocol.rungs) == ("Test Prescriber", "pending", OWN.rungs)
        assert version.fingerprint == protocol.fingerprint()
        decision = ProtocolDecision.objects.get(clinic=clinic)
        assert (decision.kind, decision.number, decision.words) == ("saved", 1, "as we do it")
        assert decision.strengths == ["1.5"]
        assert len(memory.events(action="template.saved")) == 1

    def test_the_next_version_leaves_the_first_to_its_courses(self, by: Actor, clinic: Clinic) -> None:
        first = saved(by)
        signed = factories.prescription(factories.patient(clinic), by=by, protocol_version=first)
        second = saved(by, SLOWER, seen_version=1)
        signed.refresh_from_db()
        assert signed.protocol_version == first
        assert signed.protocol_fingerprint == first.fingerprint != second.fingerprint
        assert ("OURS-2W", 2) in codes(by)
        assert ("OURS-2W", 1) not in codes(by)
        assert selectors.in_use(by) == {first.id: 1}
        assert [row.id for row in selectors.courses_on(by, first)[0]] == [signed.id]

    @pytest.mark.parametrize(
        ("protocol", "more", "sentence"),
        [
            (replace(OWN, id="STD-2W"), {}, "STD-2W is taken already: a shared one"),
            (replace(OWN, id="ours"), {}, "up to 40 capital letters"),
            (replace(OWN, id="<B>"), {}, "up to 40 capital letters"),
            (OWN, {"strengths": [Dose.of("1")]}, "Step 1: 1.5 mg cannot be made from 1 mg capsules"),
        ],
    )
    def test_what_is_refused(self, by: Actor, protocol: Protocol, more: dict[str, Any], sentence: str) -> None:
        with pytest.raises(Refused, match=sentence):
            saved(by, protocol, **more)
        assert not ProtocolVersion.objects.filter(clinic_id=by.clinic_id).exists()

    def test_a_code_of_ones_own_is_taken_too(self, by: Actor) -> None:
        saved(by)
        with pytest.raises(Refused, match="OURS-2W is taken already: your clinic's"):
            saved(by)

    def test_nothing_changed_is_no_version(self, by: Actor) -> None:
        saved(by)
        with pytest.raises(Refused, match="Nothing has changed since version 1"):
            saved(by, seen_version=1)

    def test_who_wrote_from_an_older_version_looks_again(self, by: Actor) -> None:
        saved(by)
        saved(by, SLOWER, seen_version=1)
        with pytest.raises(Stale, match="has changed since you opened it"):
            saved(by, replace(SLOWER, name="another"), seen_version=1)
        with pytest.raises(Stale):
            saved(by, replace(OWN, id="NEVER-WAS"), seen_version=3)

    @pytest.mark.parametrize("role", [ROLES.NURSE, ROLES.STAFF, ROLES.AUDITOR])
    def test_not_everybody_writes_templates(self, clinic: Clinic, role: str) -> None:
        with pytest.raises(Refused, match="may not write the clinic's own templates"):
            saved(factories.member(clinic, role))

    def test_an_administrator_does(self, clinic: Clinic) -> None:
        assert saved(factories.member(clinic, ROLES.ADMINISTRATOR)).version == 1

    @pytest.mark.django_db(transaction=True)
    def test_of_two_at_once_one_looks_again(self, by: Actor, clinic: Clinic) -> None:
        saved(by)
        start = threading.Barrier(2)

        def write(name: str) -> str:
            try:
                start.wait(10)
                saved(by, replace(SLOWER, name=name), seen_version=1)
            except Stale:
                return "stale"
            finally:
                connection.close()
            return "saved"

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(write, ["one", "other"])) == ["saved", "stale"]
        assert ProtocolVersion.objects.filter(clinic=clinic).count() == 2


class TestWhose:
    def test_another_clinic_knows_nothing_of_it(self, by: Actor) -> None:
        version = saved(by)
        stranger = factories.member(factories.clinic("Other Clinic"))
        assert selectors.version_of(stranger, version.id) is None
        assert "OURS-2W" not in dict(codes(stranger))
        assert dict(codes(stranger)) == dict.fromkeys(protocol_files.shipped(), 1)
        library.save(protocol=OWN, seen_version=0, strengths=[Dose.of("1.5")], words="", by=stranger, at=AT)

    def test_shared_and_own_are_offered_side_by_side(self, by: Actor) -> None:
        saved(by)
        assert dict(codes(by)) == {**dict.fromkeys(protocol_files.shipped(), 1), "OURS-2W": 1}


class TestDecisions:
    def test_out_of_use_it_stays_readable_and_is_offered_no_longer(self, by: Actor) -> None:
        version = saved(by)
        with pytest.raises(Refused, match="Say why"):
            library.withdraw(version=version, words=" ", by=by, at=AT)
        library.withdraw(version=version, words="the pharmacy changed", by=by, at=AT)
        assert "OURS-2W" not in dict(codes(by))
        known = selectors.version_of(by, version.id)
        assert known is not None
        assert known.standing == "withdrawn"
        with pytest.raises(Refused, match="out of use already"):
            library.withdraw(version=version, words="again", by=by, at=AT)
        library.offer_again(version=version, words="", by=by, at=AT)
        assert "OURS-2W" in dict(codes(by))
        with pytest.raises(Refused, match="offered already"):
            library.offer_again(version=version, words="", by=by, at=AT)

    def test_a_shared_one_is_out_of_use_for_one_clinic_alone(self, by: Actor) -> None:
        shared = ProtocolVersion.objects.get(clinic=None, code="STD-4W")
        library.withdraw(version=shared, words="not here", by=by, at=AT)
        assert "STD-4W" not in dict(codes(by))
        assert "STD-4W" in dict(codes(factories.member(factories.clinic("Other Clinic"))))

    def test_a_review_is_signed_once_by_each_clinician_for_one_version(self, by: Actor, clinic: Clinic) -> None:
        first = saved(by)
        colleague = factories.member(clinic, name="Test Colleague")
        library.review(version=first, words="read, with its source", by=colleague, at=AT)
        with pytest.raises(Refused, match="signed a review of this version already"):
            library.review(version=first, words="again", by=colleague, at=AT)
        second = saved(by, SLOWER, seen_version=1)
        assert selectors.reviews(by, [first, second])[first.id].by_label == "Test Colleague"
        assert second.id not in selectors.reviews(by, [first, second])
        assert len(memory.events(action="template.reviewed")) == 1

    @pytest.mark.parametrize("role", [ROLES.NURSE, ROLES.ADMINISTRATOR])
    def test_only_who_prescribes_reviews(self, by: Actor, clinic: Clinic, role: str) -> None:
        with pytest.raises(Refused, match="may not prescribe"):
            library.review(version=saved(by), words="read", by=factories.member(clinic, role), at=AT)

    def test_none_is_rewritten(self, by: Actor) -> None:
        saved(by)
        with pytest.raises(DatabaseError), transaction.atomic():
            ProtocolDecision.objects.filter(clinic_id=by.clinic_id).update(kind="withdrawn")


class TestInUse:
    def test_a_restricted_record_is_not_counted_for_who_may_not_know_of_it(self, by: Actor, clinic: Clinic) -> None:
        version = saved(by)
        patient = factories.patient(clinic)
        factories.prescription(patient, by=by, protocol_version=version)
        patient.restricted_at = AT
        patient.save(update_fields=["restricted_at"])
        other = factories.member(clinic)
        assert selectors.in_use(other) == {}
        assert selectors.courses_on(other, version) == ([], "")

    def test_a_course_counts_where_it_was_changed_to_and_back_where_that_is_taken_back(
        self, by: Actor, clinic: Clinic
    ) -> None:
        first = saved(by)
        signed = factories.prescription(factories.patient(clinic), by=by, protocol_version=first)
        second = saved(by, SLOWER, seen_version=1)
        deed = {"prescription_id": signed.id, "reason": "the newer one", "by": by, "at": AT}
        changed = ChangeProtocol(AT.date(), Protocol.from_json(second.body))
        courses.change(change=changed, seen_version=1, protocol_version=second, **deed)
        assert selectors.in_use(by) == {second.id: 1}
        assert [row.id for row in selectors.courses_on(by, second)[0]] == [signed.id]
        assert selectors.courses_on(by, first) == ([], "")
        courses.change(change=Supersede(0), seen_version=2, **deed)
        assert selectors.in_use(by) == {first.id: 1}

    def test_a_closed_course_is_in_use_no_longer(self, by: Actor, clinic: Clinic) -> None:
        version = saved(by)
        signed = factories.prescription(factories.patient(clinic), by=by, protocol_version=version)
        Prescription.objects.filter(id=signed.id).update(state="stopped", stopped_at=AT)
        assert selectors.in_use(by) == {}
