from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting

TABLES = ("pharmacy", "fill", "prescriptionpaper")


class Migration(migrations.Migration):
    """Supplies and prescriptions on paper are walled by clinic; what happened to them is only added to."""

    dependencies = [("titration", "0008_supply")]

    operations = [
        *(walls.wall(f"titration_{table}") for table in TABLES),
        *(walls.wall(f"titration_{table}event") for table in TABLES),
        walls.wall("titration_paperevent"),
        revoke_rewriting("titration_paperevent", *(f"titration_{table}event" for table in TABLES)),
    ]
