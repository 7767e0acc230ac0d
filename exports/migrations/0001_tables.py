import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import pgtrigger.compiler
import uuid
from django.conf import settings
from django.db import migrations, models

from common.triggers import InstallTriggers


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('exports', '0001_initial'),
        ('exports', '0002_history'),
        ('exports', '0003_walls'),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('accounts', '0001_tables'),
        ('patients', '0001_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='Export',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('patient', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('request_key', models.UUIDField(unique=True)),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Being made'), ('done', 'Ready'), ('failed', 'Failed'), ('expired', 'Expired')], default='queued', max_length=10)),
                ('requested_at', models.DateTimeField()),
                ('rows_total', models.PositiveIntegerField(default=0)),
                ('rows_done', models.PositiveIntegerField(default=0)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('lease', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('patient_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('error_class', models.CharField(blank=True, max_length=60)),
            ],
            options={
                'indexes': [models.Index(fields=['owner', '-requested_at'], name='export_by_owner'), models.Index(condition=models.Q(('state__in', ['failed', 'expired']), _negated=True), fields=['state'], name='export_still_to_tend')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('lease__isnull', False), ('lease_until__isnull', False), ('state', 'running')), models.Q(models.Q(('state', 'running'), _negated=True), ('lease', None), ('lease_until', None)), _connector='OR'), name='export_leased_exactly_while_running'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at__isnull', False), ('state__in', ['done', 'failed', 'expired'])), models.Q(('finished_at', None), ('state__in', ['queued', 'running'])), _connector='OR'), name='export_finished_exactly_when_over'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'done'), _negated=True), models.Q(('expires_at__isnull', False), models.Q(('sha256', ''), _negated=True)), _connector='OR'), name='a_ready_export_has_an_expiry_and_a_hash')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "exports_exportevent" ("clinic_id", "error_class", "expires_at", "finished_at", "id", "owner_id", "patient_id", "patient_ids", "pgh_created_at", "pgh_label", "pgh_obj_id", "request_key", "requested_at", "sha256", "state") VALUES (NEW."clinic_id", NEW."error_class", NEW."expires_at", NEW."finished_at", NEW."id", NEW."owner_id", NEW."patient_id", NEW."patient_ids", NOW(), \'insert\', NEW."id", NEW."request_key", NEW."requested_at", NEW."sha256", NEW."state"); RETURN NULL;', hash='23b8e8068e0d303bee85f020a6b699c1b80b0565', operation='INSERT', pgid='pgtrigger_insert_insert_06318', table='exports_export', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((OLD."id", OLD."clinic_id", OLD."owner_id", OLD."patient_id", OLD."request_key", OLD."state", OLD."requested_at", OLD."finished_at", OLD."expires_at", OLD."sha256", OLD."patient_ids", OLD."error_class") IS DISTINCT FROM (NEW."id", NEW."clinic_id", NEW."owner_id", NEW."patient_id", NEW."request_key", NEW."state", NEW."requested_at", NEW."finished_at", NEW."expires_at", NEW."sha256", NEW."patient_ids", NEW."error_class"))', func='INSERT INTO "exports_exportevent" ("clinic_id", "error_class", "expires_at", "finished_at", "id", "owner_id", "patient_id", "patient_ids", "pgh_created_at", "pgh_label", "pgh_obj_id", "request_key", "requested_at", "sha256", "state") VALUES (NEW."clinic_id", NEW."error_class", NEW."expires_at", NEW."finished_at", NEW."id", NEW."owner_id", NEW."patient_id", NEW."patient_ids", NOW(), \'update\', NEW."id", NEW."request_key", NEW."requested_at", NEW."sha256", NEW."state"); RETURN NULL;', hash='9da470bf9c03523410278c14a4289d0fb17048b5', operation='UPDATE', pgid='pgtrigger_update_update_72637', table='exports_export', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='ExportEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='exports.export')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('owner', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('patient', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='patients.patient')),
                ('request_key', models.UUIDField()),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('running', 'Being made'), ('done', 'Ready'), ('failed', 'Failed'), ('expired', 'Expired')], default='queued', max_length=10)),
                ('requested_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('patient_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('error_class', models.CharField(blank=True, max_length=60)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5d3634246618fb8a58953fbc60726ccfdd2f96f0', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_0890f', table='exports_exportevent', when='BEFORE'))],
            },
        ),
        InstallTriggers(),
    ]
