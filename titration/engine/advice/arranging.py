"""What has to be arranged for somebody on a course: D01 consent, D02 laboratory tests, D03 questionnaires. Nothing
waits for it.
"""

from collections.abc import Iterator
from datetime import timedelta

from titration.engine.advice.book import Book
from titration.engine.advice.case import Case
from titration.engine.advice.finding import Finding


def consent(case: Case, book: Book) -> Iterator[Finding]:
    """D01: consent to off-label use is missing, or what was signed no longer holds."""
    if case.consent_due and case.in_force and not case.ended:
        yield book.found("D01", "due", about=case.consent_due, day=case.today, data={"why": case.consent_due})


def labs(case: Case, book: Book) -> Iterator[Finding]:
    """D02: tests that the condition, the medicines or the rhythm ask for, one finding for what is due together."""
    if case.ended or not case.in_force:
        return
    for why, tests in case.labs_due:
        yield book.found("D02", "due", about=why, day=case.today, data={"why": why, "tests": tests})


def questionnaires(case: Case, book: Book) -> Iterator[Finding]:
    """D03: questionnaires that the patient was asked to answer and has not, one finding for all of them.

    At a dose that goes on it is only noted: there nothing but a missed review makes work (the worklist's own rule).
    """
    if case.ended or not case.in_force:
        return
    wait = timedelta(days=book.count("questionnaire_wait_days"))
    waiting = [(name, since) for name, since in case.questionnaires_due if since + wait <= case.today]
    if waiting:
        yield book.found(
            "D03",
            "climbing" if case.due is not None else "settled",
            about=" ".join(f"{name}@{since.isoformat()}" for name, since in waiting),
            day=case.today,
            data={"names": [name for name, _ in waiting], "since": min(since for _, since in waiting)},
            used=("questionnaire_wait_days",),
        )
