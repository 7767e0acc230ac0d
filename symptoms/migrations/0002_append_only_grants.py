from django.db import migrations

from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """The application may add to these tables and read them, nothing else."""

    dependencies = [("symptoms", "0001_initial")]

    operations = [revoke_rewriting("symptoms_opioidreport", "symptoms_symptomlogevent", "symptoms_dosetakenevent")]
