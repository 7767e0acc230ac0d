from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting

TABLES = ("membership", "memberinvitation", "clinichours", "closeddate", "cover", "urgentcontact")
WHO_IS_WHO = "accounts_clinic, accounts_membership, accounts_memberinvitation"



class Migration(migrations.Migration):
    """Clinics are walled from each other; a person may read their own places before one is chosen."""

    replaces = [("accounts", "0009_hours_and_cover")]
    dependencies = [("accounts", "0001_tables"), ("axes", "0010_accessattemptexpiration")]

    operations = [
        walls.wall("accounts_clinic", clinic="id"),
        walls.wall("accounts_clinicevent", clinic="id"),
        *(walls.wall(f"accounts_{table}") for table in TABLES),
        *(walls.wall(f"accounts_{table}event") for table in TABLES),
        walls.own_rows("accounts_membership"),
        walls.held_by_key("accounts_memberinvitation", "token_digest"),
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
        # The daily forgetting is the worker's.
        walls.grant(
            walls.WORKER_ROLE,
            "SELECT, DELETE",
            "accounts_session",
            "axes_accessattempt",
            "axes_accessattemptexpiration",
            "axes_accessfailurelog",
        ),
        # The worker asks who somebody is and never makes them anybody else.
        migrations.RunSQL(
            sql=walls.for_role(
                walls.WORKER_ROLE, f"REVOKE INSERT, UPDATE, DELETE ON {WHO_IS_WHO} FROM {walls.WORKER_ROLE}"
            ),
            reverse_sql=migrations.RunSQL.noop,
        ),
        revoke_rewriting(
            "accounts_clinicevent", "accounts_userevent", *(f"accounts_{table}event" for table in TABLES)
        ),
    ]
