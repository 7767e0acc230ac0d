from django.db import migrations


class Migration(migrations.Migration):
    """Leave room on each page for a second version of every row on it: neighbours are claimed together, and a row
    changed within its page touches no index."""

    dependencies = [("reminders", "0002_append_only_grants")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE reminders_reminder SET (fillfactor = 45)",
            reverse_sql="ALTER TABLE reminders_reminder RESET (fillfactor)",
        )
    ]
