from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """Patients are walled by clinic; a secret opens the one row that keeps its digest."""

    dependencies = [("patients", "0005_history")]

    operations = [
        walls.wall("patients_patient"),
        walls.wall("patients_zonespan"),
        walls.wall("patients_patientcondition"),
        walls.wall("patients_medicine"),
        walls.wall("patients_contactpreference"),
        walls.wall("patients_invitation"),
        walls.wall("patients_phone"),
        walls.wall("patients_freshcode"),
        walls.wall("patients_careteammember"),
        walls.wall("patients_caregrant"),
        walls.wall("patients_caregrantevent"),
        walls.wall("patients_careteammemberevent"),
        walls.wall("patients_contactpreferenceevent"),
        walls.wall("patients_invitationevent"),
        walls.wall("patients_medicineevent"),
        walls.wall("patients_patientconditionevent"),
        walls.wall("patients_patientevent"),
        walls.wall("patients_phoneevent"),
        walls.wall("patients_zonespanevent"),
        revoke_rewriting(
            "patients_caregrantevent",
            "patients_careteammemberevent",
            "patients_contactpreferenceevent",
            "patients_invitationevent",
            "patients_medicineevent",
            "patients_patientconditionevent",
            "patients_patientevent",
            "patients_phoneevent",
            "patients_zonespanevent",
        ),
        walls.held_by_key("patients_phone", "secret_digest"),
        walls.held_by_key("patients_invitation", "token_digest"),
        walls.held_by_key("patients_caregrant", "token_digest"),
        # A carer's phone and its codes belong to no clinic but to the carer, who may have grants in several.
        walls.own_rows("patients_caregrant"),
        walls.owned("patients_phone", "clinic_id IS NULL AND carer_id"),
        walls.owned("patients_phoneevent", "clinic_id IS NULL AND carer_id"),
        walls.owned("patients_freshcode", "clinic_id IS NULL AND carer_id"),
    ]
