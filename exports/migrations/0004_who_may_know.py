from django.db import migrations

from common import walls


class Migration(migrations.Migration):
    """Whose records an export may hold is asked in the same statement: of care teams, emergencies and memberships."""

    dependencies = [
        ("exports", "0003_walls"),
        ("accounts", "0007_members_come_and_go"),
        ("patients", "0007_emergency_access"),
    ]

    operations = [
        walls.grant(
            walls.EXPORT_ROLE,
            "SELECT",
            "accounts_membership",
            "patients_careteammember",
            "patients_emergencyaccess",
        ),
    ]
