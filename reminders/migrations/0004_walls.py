from django.db import migrations, models

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """The outbox is walled by clinic, and tended by the worker for all: it holds ids and times, no words.

    A web process without a clinic sees no outbox: what its health page tells is what the last round wrote down.
    """

    dependencies = [("reminders", "0003_room_for_claims")]

    operations = [
        migrations.AddField("heartbeat", "oldest_doubt_at", models.DateTimeField(null=True)),
        walls.wall("reminders_occurrence"),
        walls.wall("reminders_reminder"),
        walls.wall("reminders_attempt"),
        walls.queue("reminders_occurrence"),
        walls.queue("reminders_reminder"),
        walls.queue("reminders_attempt"),
        revoke_rewriting("reminders_attempt"),
        walls.grant(walls.WORKER_ROLE, "SELECT, INSERT, UPDATE, DELETE", "reminders_heartbeat", "reminders_breaker"),
        walls.grant(walls.BACKUP_ROLE, "SELECT", "reminders_heartbeat", "reminders_breaker"),
    ]
