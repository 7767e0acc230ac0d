from django.db import migrations

from common import walls


class Migration(migrations.Migration):
    """Exports are walled by clinic; the worker finds them by id, and reads what they hold as a role that only reads."""

    dependencies = [
        ("exports", "0001_initial"),
        ("patients", "0005_walls"),
        ("symptoms", "0004_walls"),
        ("titration", "0004_walls"),
    ]

    operations = [
        walls.wall("exports_export"),
        walls.queue("exports_export"),
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
