"""S09: one strict policy on every answer, refusals and files included; what browsers report is counted and no more."""

import json
from datetime import date
from typing import Any

import pytest
from django.conf import settings as live
from django.core.management import call_command
from django.test import Client

from ldn_clinic import breaches, csp
from ldn_clinic.csp import Breach
from ldn_clinic.models import PolicyBreach
from tests.guards.test_headers import assert_guarded

SECRET_PAGE = "http://localhost:8000/patients/0d9f3c1e-0000-4000-8000-000000000001/?words=someone"
OLD_REPORT = {
    "csp-report": {
        "document-uri": SECRET_PAGE,
        "violated-directive": "script-src 'self'",
        "blocked-uri": "https://evil.invalid/steal?patient=someone",
    }
}
NEW_REPORT = [
    {
        "type": "csp-violation",
        "url": SECRET_PAGE,
        "body": {"documentURL": SECRET_PAGE, "effectiveDirective": "script-src-elem", "blockedURL": "inline"},
    },
    {"type": "deprecation", "body": {}},
]


def send(body: Any, form: str = csp.OLD, **more: Any) -> int:
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return Client(enforce_csrf_checks=True).post("/csp-reports", text, content_type=form, **more).status_code


def test_both_forms_are_counted_by_kind_and_nothing_else_is_kept(db: None) -> None:
    assert [send(OLD_REPORT), send(OLD_REPORT), send(NEW_REPORT, csp.NEW)] == [204, 204, 204]
    kept = set(PolicyBreach.objects.values_list("directive", "blocked", "page", "times"))
    pattern = "patients/<uuid:patient_id>/"
    assert kept == {
        ("script-src", "https://evil.invalid", pattern, 2),
        ("script-src-elem", "inline", pattern, 1),
    }


def test_the_operator_can_read_the_counts(db: None, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    send(OLD_REPORT)
    assert client.get("/healthz").json()["checks"]["content policy"]["says"].startswith("1 breaches")
    call_command("csp_reports")
    assert "script-src  https://evil.invalid  on patients/<uuid:patient_id>/" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("body", "form"),
    [
        ("", csp.OLD),
        ("no json", csp.OLD),
        ({}, csp.OLD),
        ([], csp.OLD),
        ({"csp-report": "words"}, csp.OLD),
        ({"csp-report": {"document-uri": SECRET_PAGE}}, csp.OLD),
        ("[" * 8_000, csp.OLD),
        ([1], csp.NEW),
        ({"type": "csp-violation"}, csp.NEW),
        (OLD_REPORT, "application/json"),
        (OLD_REPORT, "text/html"),
    ],
)
def test_anything_else_is_refused(db: None, body: Any, form: str) -> None:
    assert send(body, form) == 400
    assert not PolicyBreach.objects.exists()


def test_size_and_number_are_bounded(db: None) -> None:
    assert send("x" * (csp.LONGEST_BODY + 1)) == 413
    answers = [send(OLD_REPORT) for _ in range(breaches.REPORTS_A_MINUTE + 5)]
    assert answers.count(429) >= 5
    assert PolicyBreach.objects.get().times < breaches.REPORTS_A_MINUTE
    assert send(OLD_REPORT, REMOTE_ADDR="192.0.2.9") == 204


def test_neither_the_kinds_of_a_day_nor_the_days_grow_without_end(db: None) -> None:
    day = date(2026, 3, 16)
    breaches.count([Breach("old", "x", "y")], day=date(2025, 3, 16))
    breaches.count(
        [Breach("script-src", f"https://{n}.invalid", "/") for n in range(breaches.KINDS_A_DAY + 50)], day=day
    )
    assert PolicyBreach.objects.count() == breaches.KINDS_A_DAY


def test_what_is_kept_is_short_and_plain() -> None:
    said = {"document-uri": "x" * 999, "violated-directive": "é\n<b>" + "y" * 999, "blocked-uri": "z" * 999}
    report = {"csp-report": said}
    (found,) = csp.read(json.dumps(report).encode(), csp.OLD)
    assert found.page == csp.ELSEWHERE
    assert max(len(found.directive), len(found.blocked)) <= csp.LONGEST
    assert found.directive.isascii()


def test_the_policy_names_its_collector(client: Client, db: None) -> None:
    answer = client.get("/accounts/login/")
    assert "report-uri /csp-reports" in answer["Content-Security-Policy"]
    assert "report-to csp" in answer["Content-Security-Policy"]
    assert answer["Reporting-Endpoints"] == 'csp="/csp-reports"'


@pytest.mark.parametrize("address", ["/static/css/base.css", "/static/js/confirm-once.js", "/static/nothing.css"])
def test_files_carry_it_too(client: Client, db: None, address: str) -> None:
    answer = client.get(address)
    assert "default-src 'none'" in answer["Content-Security-Policy"], answer.status_code
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_so_do_refusals_before_any_page(db: None) -> None:
    client = Client(raise_request_exception=False)
    assert_guarded(bad_host := client.get("/", headers={"Host": "evil.invalid"}), "another host")
    assert bad_host.status_code == 400
    assert_guarded(elsewhere := client.post("/", headers={"Sec-Fetch-Site": "cross-site"}), "another site")
    assert elsewhere.status_code == 403
    assert_guarded(large := client.post("/accounts/login/", {"login": "x" * 1_100_000}), "too large")
    assert large.status_code in (400, 413)


def test_nothing_in_the_policy_is_unsafe_or_from_elsewhere() -> None:
    allowed = {word for words in live.CONTENT_SECURITY_POLICY["DIRECTIVES"].values() for word in words}
    assert allowed == {"'none'", "'self'", "data:", "/csp-reports", "csp"}
    assert "data:" not in live.CONTENT_SECURITY_POLICY["DIRECTIVES"]["script-src"]
