from django.db import migrations

from common import walls
from common.append_only import APPLICATION_ROLE, revoke_rewriting

EVENTS, SEALS = "audit_auditevent", "audit_seal"
SERVING = (APPLICATION_ROLE, walls.WORKER_ROLE)


def _sealer_keeps(table: str) -> migrations.RunSQL:
    policy = f"CREATE POLICY sealer_keeps ON {table} TO {walls.SEALER_ROLE} USING (true) WITH CHECK (true)"
    return migrations.RunSQL(
        sql=walls.for_role(walls.SEALER_ROLE, policy), reverse_sql=f"DROP POLICY IF EXISTS sealer_keeps ON {table}"
    )


def _take_away(role: str, rights: str, table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=walls.for_role(role, f"REVOKE {rights} ON {table} FROM {role}"),
        reverse_sql=walls.for_role(role, f"GRANT {rights} ON {table} TO {role}"),
    )



class Migration(migrations.Migration):
    """Who may write and who may read what happened, and the transaction each event was written in."""

    replaces = [("audit", "0006_readers")]
    dependencies = [("audit", "0001_tables")]

    operations = [
        migrations.RunSQL(
            sql=f"ALTER TABLE {EVENTS} ADD COLUMN written_in xid8 NOT NULL DEFAULT pg_current_xact_id()",
            reverse_sql=f"ALTER TABLE {EVENTS} DROP COLUMN written_in",
        ),
        # The sealer asks what a clinic has written since its last seal.
        migrations.RunSQL(
            sql=f"CREATE INDEX audit_by_clinic_and_transaction ON {EVENTS} (clinic_id, written_in)",
            reverse_sql="DROP INDEX audit_by_clinic_and_transaction",
        ),
        walls.wall(EVENTS),
        walls.wall(SEALS),
        migrations.RunSQL(
            sql=f"CREATE POLICY without_a_clinic ON {EVENTS} FOR INSERT WITH CHECK (clinic_id IS NULL)",
            reverse_sql=f"DROP POLICY without_a_clinic ON {EVENTS}",
        ),
        _sealer_keeps(EVENTS),
        _sealer_keeps(SEALS),
        revoke_rewriting(EVENTS, SEALS),
        *(_take_away(role, "SELECT", EVENTS) for role in SERVING),
        *(_take_away(role, "SELECT, INSERT", SEALS) for role in SERVING),
        walls.grant(walls.AUDITOR_ROLE, "SELECT", EVENTS),
        walls.grant(walls.SEALER_ROLE, "SELECT", EVENTS),
        walls.grant(walls.SEALER_ROLE, "SELECT, INSERT", SEALS),
    ]
