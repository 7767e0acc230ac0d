from django.db import migrations

from common import walls


class Migration(migrations.Migration):
    """Patients are walled by clinic; a secret opens the one row that keeps its digest."""

    dependencies = [("patients", "0004_seal_words")]

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
        walls.held_by_key("patients_phone", "secret_digest"),
        walls.held_by_key("patients_invitation", "token_digest"),
        walls.held_by_key("patients_caregrant", "token_digest"),
        # A carer's phone and its codes belong to no clinic but to the carer, who may have grants in several.
        walls.own_rows("patients_caregrant"),
        walls.owned("patients_phone", "clinic_id IS NULL AND carer_id"),
        walls.owned("patients_freshcode", "clinic_id IS NULL AND carer_id"),
    ]
