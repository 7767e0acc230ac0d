from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """What the builder of charts may read: the care it exports and who may know of it."""

    replaces = [("exports", "0004_who_may_know")]
    dependencies = [("exports", "0001_tables"), ("patients", "0001_tables"), ("symptoms", "0001_tables"), ("titration", "0001_tables")]

    operations = [
        walls.wall("exports_export"),
        walls.wall("exports_exportevent"),
        walls.queue("exports_export"),
        walls.queue("exports_exportevent"),
        revoke_rewriting("exports_exportevent"),
        walls.grant(
            walls.EXPORT_ROLE,
            "SELECT",
            "accounts_membership",
            "patients_careteammember",
            "patients_emergencyaccess",
            "patients_patient",
            "patients_patientcondition",
            "symptoms_dosetaken",
            "symptoms_symptomlog",
            "titration_prescription",
            "titration_step",
        ),
    ]
