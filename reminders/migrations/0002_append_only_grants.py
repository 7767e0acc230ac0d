from django.db import migrations

from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """The application may add to these tables and read them, nothing else."""

    dependencies = [("reminders", "0001_initial")]

    operations = [revoke_rewriting("reminders_attempt")]
