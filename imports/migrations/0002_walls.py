from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting

TABLES = ("import", "importedrow")



class Migration(migrations.Migration):
    """Each clinic's imports are its own."""

    dependencies = [("imports", "0001_tables")]

    operations = [
        *(walls.wall(f"imports_{table}") for table in TABLES),
        *(walls.wall(f"imports_{table}event") for table in TABLES),
        revoke_rewriting(*(f"imports_{table}event" for table in TABLES)),
    ]
