from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting

QUEUES = ("occurrence", "reminder", "attempt", "urgentnotice")



class Migration(migrations.Migration):
    """The worker tends the queues of every clinic: they hold ids and times only."""

    replaces = [("reminders", "0007_messages")]
    dependencies = [("reminders", "0001_tables")]

    operations = [
        *(walls.wall(f"reminders_{table}") for table in (*QUEUES, "urgentitem")),
        *(walls.queue(f"reminders_{table}") for table in QUEUES),
        revoke_rewriting("reminders_attempt"),
        walls.grant(walls.WORKER_ROLE, "SELECT, INSERT, UPDATE, DELETE", "reminders_heartbeat", "reminders_breaker"),
        walls.grant(walls.BACKUP_ROLE, "SELECT", "reminders_heartbeat", "reminders_breaker"),
        # Claiming and settling rewrite a row where it stands as long as its page has room.
        migrations.RunSQL(
            "ALTER TABLE reminders_reminder SET (fillfactor = 45)",
            reverse_sql="ALTER TABLE reminders_reminder RESET (fillfactor)",
        ),
    ]
