"""Questions about what courses are tried for."""

from titration.models import Prescription, TrialEntry


def entries_of(prescription: Prescription) -> list[TrialEntry]:
    """What was asked and answered, oldest first."""
    return list(TrialEntry.objects.filter(prescription=prescription).order_by("number"))


def open_question(prescription: Prescription) -> TrialEntry | None:
    """The newest question, unless it has been answered."""
    newest = TrialEntry.objects.filter(prescription=prescription).order_by("-number").first()
    return newest if newest is not None and newest.kind == TrialEntry.Kind.ASKED else None
