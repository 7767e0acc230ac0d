import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import pgtrigger.compiler
import uuid
from django.db import migrations, models

from common.triggers import InstallTriggers


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('audit', '0001_initial'),
        ('audit', '0002_append_only_grants'),
        ('audit', '0003_chain'),
        ('audit', '0004_sealers_index'),
        ('audit', '0005_walls'),
    ]

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('event_id', models.UUIDField(primary_key=True, serialize=False)),
                ('clinic_id', models.UUIDField(null=True)),
                ('number', models.BigIntegerField()),
                ('previous', models.BinaryField(max_length=32)),
                ('hash', models.BinaryField(max_length=32)),
                ('finished_below', models.BigIntegerField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('clinic_id', 'number'), name='one_seal_per_clinic_and_number', nulls_distinct=False), models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='seals_are_numbered_from_one')],
                'triggers': [pgtrigger.compiler.Trigger(name='audit_seal_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='f48ef8149b0afb7545e56516e53df93ed1d0303e', operation='UPDATE OR DELETE', pgid='pgtrigger_audit_seal_append_only_ba1fa', table='audit_seal', when='BEFORE')), pgtrigger.compiler.Trigger(name='audit_seal_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='c0593d4a1335210ea3aea69be1e0edc8a79aefcb', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_audit_seal_no_truncate_c4529', table='audit_seal', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('clinic_id', models.UUIDField(null=True)),
                ('actor_kind', models.CharField(max_length=10)),
                ('actor_id', models.UUIDField(null=True)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('action', models.CharField(max_length=60)),
                ('patient_ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None)),
                ('subject_id', models.UUIDField(null=True)),
                ('reason', models.TextField(blank=True)),
                ('result', models.CharField(choices=[('done', 'Done'), ('denied', 'Denied')], default='done', max_length=10)),
                ('request_id', models.UUIDField(null=True)),
                ('details', models.JSONField(default=dict)),
                ('address', models.GenericIPAddressField(null=True)),
                ('agent', models.CharField(max_length=16, null=True)),
                ('row_count', models.PositiveIntegerField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['clinic_id', 'at'], name='audit_by_clinic_and_time'), django.contrib.postgres.indexes.GinIndex(fields=['patient_ids'], name='audit_by_patient')],
                'triggers': [pgtrigger.compiler.Trigger(name='audit_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='04f8f2f6fab2cf336bff74f00537adf876acce3f', operation='UPDATE OR DELETE', pgid='pgtrigger_audit_append_only_f6eda', table='audit_auditevent', when='BEFORE')), pgtrigger.compiler.Trigger(name='audit_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='283b9f3fe768e03602a84c5427faff734da7ab4c', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_audit_no_truncate_50e0d', table='audit_auditevent', when='BEFORE'))],
            },
        ),
        InstallTriggers(),
    ]
