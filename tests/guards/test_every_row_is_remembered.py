"""Keeps: what a clinic's rows once said can be found out. Every model is tracked, written once, or stands below."""

import pytest
from django.apps import apps
from django.db import connection, models

from common import history

NOT_TRACKED = {
    "patients.FreshCode": "a code of ten minutes; that it was made and used stands in the memory",
    "patients.EmergencyTry": "counted for an hour; that somebody tried stands in the memory",
    "patients.PhoneSecret": "digests alone; that a phone was let in, copied or forgotten stands in the memory",
    "titration.Judged": "a note of how far the worker has come; worked out again from the record",
    "titration.Step": "a projection of the plan's changes, which are written once; made anew from them",
    "titration.Watch": "a projection beside the course and its nights; made anew from them",
    "reminders.UrgentItem": "a queue: raised, opened and closed stand in the memory",
    "reminders.UrgentNotice": "a queue: what became of each stands in the memory",
    "reminders.Occurrence": "a queue: what a plan owes, worked out from it again each round",
    "reminders.Reminder": "a queue: each try to send is written once, as an Attempt",
}
ABOUT_PEOPLE = {"accounts.User", "accounts.Clinic"}
"""They carry no clinic's id and decide who may do what all the same."""


def ours() -> list[type[models.Model]]:
    """The clinic's rows, without the tables that keep their versions."""
    found = [model for model in apps.get_models() if not issubclass(model, history.PghistoryEvent)]
    return [
        model
        for model in found
        if "clinic_id" in {field.attname for field in model._meta.concrete_fields} or model._meta.label in ABOUT_PEOPLE
    ]


def is_tracked(model: type[models.Model]) -> bool:
    return hasattr(model, "pgh_event_model")


def is_written_once(model: type[models.Model]) -> bool:
    return any(trigger.name.endswith("append_only") for trigger in getattr(model._meta, "triggers", []))


def test_every_model_is_tracked_or_written_once_or_named_here_with_its_reason() -> None:
    forgotten = {
        model._meta.label
        for model in ours()
        if not is_tracked(model) and not is_written_once(model) and model._meta.label not in NOT_TRACKED
    }
    assert not forgotten, "put @history.tracked() over them"


def test_the_list_of_exceptions_is_not_longer_than_it_must_be() -> None:
    labels = {model._meta.label: model for model in ours()}
    assert set(NOT_TRACKED) <= set(labels)
    assert not [name for name in NOT_TRACKED if is_tracked(labels[name]) or is_written_once(labels[name])]


TRACKED = [model.pgh_event_model for model in apps.get_models() if is_tracked(model)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("event", TRACKED, ids=lambda event: event._meta.label)
def test_a_version_says_who_and_holds_no_secret(event: type[models.Model]) -> None:
    columns = {field.name for field in event._meta.concrete_fields}
    assert {"by_id", "request_id"} <= columns
    assert not {name for name in columns if name in ("password", "last_login") or name.endswith("_digest")}


@pytest.mark.django_db
@pytest.mark.parametrize("event", TRACKED, ids=lambda event: event._meta.label)
def test_a_version_is_never_rewritten(event: type[models.Model]) -> None:
    table = event._meta.db_table
    with connection.cursor() as cursor:
        for privilege in ("UPDATE", "DELETE", "TRUNCATE"):
            cursor.execute("SELECT has_table_privilege(current_user, %s, %s)", [table, privilege])
            assert cursor.fetchone() == (False,), privilege
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal", [table])
        assert cursor.fetchone() != (0,)
