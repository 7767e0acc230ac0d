from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """Exports are walled by clinic; the worker finds them by id, and reads what they hold as a role that only reads."""

    dependencies = [
        ("exports", "0002_history"),
        ("patients", "0006_walls"),
        ("symptoms", "0005_walls"),
        ("titration", "0005_walls"),
    ]

    operations = [
        walls.wall("exports_export"),
        walls.wall("exports_exportevent"),
        walls.queue("exports_export"),
        walls.queue("exports_exportevent"),
        revoke_rewriting("exports_exportevent"),
        walls.grant(
            walls.EXPORT_ROLE,
            "SELECT",
            "patients_patient",
            "patients_patientcondition",
            "symptoms_dosetaken",
            "symptoms_symptomlog",
            "titration_prescription",
            "titration_step",
        ),
    ]
