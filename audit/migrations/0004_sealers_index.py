from django.db import migrations


class Migration(migrations.Migration):
    """The sealer looks for a clinic's events from a transaction on. Built beside the writers, without holding them."""

    atomic = False
    dependencies = [("audit", "0003_chain")]

    operations = [
        migrations.RunSQL(
            sql="CREATE INDEX CONCURRENTLY IF NOT EXISTS audit_by_clinic_and_transaction "
            "ON audit_auditevent (clinic_id, written_in)",
            reverse_sql="DROP INDEX CONCURRENTLY IF EXISTS audit_by_clinic_and_transaction",
        ),
    ]
