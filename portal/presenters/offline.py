"""What a phone keeps for when it has no connection: whom to call, and what the worker that keeps it must fetch."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import Clinic
from symptoms.crisis import CrisisWords, Line


@dataclass(frozen=True)
class Numbers:
    """One clinic's telephones, and the public ones it chose: nothing of whoever carries the phone."""

    name: str
    phone: str
    dialled: str
    urgent_phone: str
    urgent_dialled: str
    after_hours: str
    emergency: str
    lines: tuple[Line, ...]
    reviewed: bool


def numbers(clinic: Clinic, crisis: CrisisWords) -> Numbers:
    return Numbers(
        name=clinic.name,
        phone=clinic.phone,
        dialled="".join(clinic.phone.split()),
        urgent_phone=clinic.urgent_phone,
        urgent_dialled="".join(clinic.urgent_phone.split()),
        after_hours=clinic.after_hours_words,
        emergency=crisis.emergency,
        lines=crisis.lines,
        reviewed=crisis.reviewed,
    )


def script(worker: str, *, offline: str, emergency: str, files: Sequence[str], words: Sequence[str]) -> str:
    """The worker as a browser fetches it: what to keep, and the file that keeps it.

    `words` are the pages as they stand: other words are another version, and browsers fetch them anew.
    """
    told = {"offline": offline, "emergency": emergency, "files": list(files)}
    version = hashlib.sha256(json.dumps([worker, told, *words]).encode()).hexdigest()[:16]
    return f"self.KEPT = {json.dumps({'version': version, **told})};\nimportScripts({json.dumps(worker)});\n"
