from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting

TRACKED = (
    "caregrant",
    "careteammember",
    "contactpreference",
    "emergencyaccess",
    "emergencycard",
    "erasure",
    "invitation",
    "medicine",
    "patient",
    "patientcondition",
    "phone",
    "zonespan",
)
WITHOUT_HISTORY = ("emergencytry", "freshcode", "phonesecret")
WRITTEN_ONCE = ("consent", "consenttext", "labresult", "screening", "screeningdecision")
CARERS = ("phone", "phoneevent", "freshcode", "phonesecret")



class Migration(migrations.Migration):
    """Each clinic's patients are its own; a secret opens the one row that keeps its digest."""

    replaces = [("patients", "0017_consent")]
    dependencies = [("patients", "0001_tables")]

    operations = [
        *(walls.wall(f"patients_{table}") for table in (*TRACKED, *WITHOUT_HISTORY, *WRITTEN_ONCE)),
        *(walls.wall(f"patients_{table}event") for table in TRACKED),
        revoke_rewriting(
            *(f"patients_{table}event" for table in TRACKED), *(f"patients_{table}" for table in WRITTEN_ONCE)
        ),
        walls.held_by_key("patients_phone", "secret_digest"),
        walls.held_by_key("patients_phonesecret", "secret_digest"),
        walls.held_by_key("patients_invitation", "token_digest"),
        walls.held_by_key("patients_caregrant", "token_digest"),
        walls.held_by_key("patients_freshcode", "token_digest"),
        walls.held_by_key("patients_emergencycard", "token_digest"),
        walls.own_rows("patients_caregrant"),
        *(walls.owned(f"patients_{table}", "clinic_id IS NULL AND carer_id") for table in CARERS),
    ]
