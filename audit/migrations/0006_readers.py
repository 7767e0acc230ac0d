from django.db import migrations

from common import walls

APPLICATION_ROLE = "ldn_app"
EVENTS, SEALS = "audit_auditevent", "audit_seal"


def _sealer_keeps(table: str) -> migrations.RunSQL:
    policy = f"CREATE POLICY sealer_keeps ON {table} TO {walls.SEALER_ROLE} USING (true) WITH CHECK (true)"
    return migrations.RunSQL(
        sql=[f"DROP POLICY IF EXISTS worker_tends ON {table}", walls.for_role(walls.SEALER_ROLE, policy)],
        reverse_sql=[
            f"DROP POLICY IF EXISTS sealer_keeps ON {table}",
            walls.for_role(
                walls.WORKER_ROLE,
                f"CREATE POLICY worker_tends ON {table} TO {walls.WORKER_ROLE} USING (true) WITH CHECK (true)",
            ),
        ],
    )


def _take_away(role: str, rights: str, table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        sql=walls.for_role(role, f"REVOKE {rights} ON {table} FROM {role}"),
        reverse_sql=walls.for_role(role, f"GRANT {rights} ON {table} TO {role}"),
    )


class Migration(migrations.Migration):
    """Who serves pages and works may add to the memory and read none of it. To read it is a role of its own, taken for
    the length of a question: the auditor's for one clinic's events, the sealer's for every chain and its seals."""

    dependencies = [("audit", "0005_walls")]

    operations = [
        _sealer_keeps(EVENTS),
        _sealer_keeps(SEALS),
        *(_take_away(role, "SELECT", EVENTS) for role in (APPLICATION_ROLE, walls.WORKER_ROLE)),
        *(_take_away(role, "SELECT, INSERT", SEALS) for role in (APPLICATION_ROLE, walls.WORKER_ROLE)),
        walls.grant(walls.AUDITOR_ROLE, "SELECT", EVENTS),
        walls.grant(walls.SEALER_ROLE, "SELECT", EVENTS),
        walls.grant(walls.SEALER_ROLE, "SELECT, INSERT", SEALS),
    ]
