from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting

CORRECTED = ("dosetaken", "symptomlog")
WRITTEN_ONCE = ("assessment", "crisischoice", "dosetakenevent", "opioidreport", "symptomlogevent")



class Migration(migrations.Migration):
    """Each clinic's nights are its own, and what was told stays told."""

    replaces = [("symptoms", "0008_told_by_phone")]
    dependencies = [("symptoms", "0001_tables")]

    operations = [
        *(walls.wall(f"symptoms_{table}") for table in (*CORRECTED, *WRITTEN_ONCE)),
        revoke_rewriting(*(f"symptoms_{table}" for table in WRITTEN_ONCE)),
    ]
