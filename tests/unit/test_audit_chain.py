"""The canonical form of an event: one way to write it, whatever wrote it."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import chain

ID = uuid.UUID(int=7)
AT = datetime(2026, 3, 2, 10, 0, 0, 5, tzinfo=UTC)


def test_the_form_is_what_the_page_says_it_is() -> None:
    event = {"id": ID, "at": AT, "patient_ids": [ID], "details": {"b": 1, "a": "ü"}, "result": "done"}
    assert chain.canonical(event).decode() == (
        '{"at":"2026-03-02T10:00:00.000005+00:00","details":{"a":"ü","b":1},'
        f'"id":"{ID}","patient_ids":["{ID}"],"result":"done"}}'
    )


def test_order_and_zone_say_nothing() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=9)))
    assert chain.canonical({"at": AT, "id": ID}) == chain.canonical({"id": ID, "at": elsewhere})


def test_a_column_added_later_changes_no_older_hash() -> None:
    assert chain.canonical({"id": ID, "added": None}) == chain.canonical({"id": ID})


def test_what_has_no_one_form_is_refused() -> None:
    with pytest.raises(TypeError):
        chain.canonical({"score": 0.1})


def test_a_link_is_the_plain_hash_of_both() -> None:
    assert chain.link(chain.GENESIS, b"{}") == hashlib.sha256(bytes(32) + b"{}").digest()


@given(st.dictionaries(st.text(), st.text() | st.integers()), st.dictionaries(st.text(), st.text() | st.integers()))
def test_two_events_have_one_form_only_if_they_are_one(one: dict[str, object], other: dict[str, object]) -> None:
    assert (chain.canonical(one) == chain.canonical(other)) == (one == other)
