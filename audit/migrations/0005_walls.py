from django.db import migrations

from common import walls
from common.append_only import revoke_rewriting


class Migration(migrations.Migration):
    """Each clinic's memory is its own; what has no clinic is written and read by nobody who serves pages."""

    dependencies = [("audit", "0004_sealers_index")]

    operations = [
        walls.wall("audit_auditevent"),
        walls.wall("audit_seal"),
        # The sealer goes through every chain, also the one of no clinic.
        walls.queue("audit_auditevent"),
        walls.queue("audit_seal"),
        migrations.RunSQL(
            sql="CREATE POLICY without_a_clinic ON audit_auditevent FOR INSERT WITH CHECK (clinic_id IS NULL)",
            reverse_sql="DROP POLICY without_a_clinic ON audit_auditevent",
        ),
        revoke_rewriting("audit_auditevent", "audit_seal"),
    ]
