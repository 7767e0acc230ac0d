from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """Clinics are walled from each other; a person may read their own places before one is chosen."""

    dependencies = [("accounts", "0004_history")]

    operations = [
        walls.wall("accounts_clinic", clinic="id"),
        walls.wall("accounts_membership"),
        walls.wall("accounts_clinicevent", clinic="id"),
        walls.wall("accounts_membershipevent"),
        walls.own_rows("accounts_membership"),
        migrations.RunSQL(
            sql=f"""
                CREATE POLICY members_read ON accounts_clinic FOR SELECT
                USING (id IN (SELECT clinic_id FROM accounts_membership WHERE user_id = {walls.USER}))
            """,
            reverse_sql="DROP POLICY members_read ON accounts_clinic",
        ),
        walls.queue("accounts_clinic"),
        walls.grant(walls.WORKER_ROLE, "SELECT", "accounts_user"),
        walls.grant(walls.BACKUP_ROLE, "SELECT", "accounts_user"),
        # The worker asks who somebody is and never makes them anybody else.
        migrations.RunSQL(
            sql=walls.for_role(
                walls.WORKER_ROLE,
                f"REVOKE INSERT, UPDATE, DELETE ON accounts_clinic, accounts_membership FROM {walls.WORKER_ROLE}",
            ),
            reverse_sql=migrations.RunSQL.noop,
        ),
        revoke_rewriting("accounts_clinicevent", "accounts_membershipevent"),
    ]
