import common.sealed
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
        ('imports', '0001_initial'),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('accounts', '0001_tables'),
        ('patients', '0001_tables'),
        ('titration', '0001_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('table', common.sealed.SealedTextField('import.table', blank=True)),
                ('table_index', models.CharField(max_length=64)),
                ('rows_total', models.PositiveIntegerField()),
                ('brought_at', models.DateTimeField()),
                ('brought_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('expires_at', models.DateTimeField()),
                ('accepted_at', models.DateTimeField(null=True)),
                ('accepted_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('patients_made', models.PositiveIntegerField(default=0)),
                ('plans_made', models.PositiveIntegerField(default=0)),
                ('discarded_at', models.DateTimeField(null=True)),
                ('discarded_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('undone_at', models.DateTimeField(null=True)),
                ('undone_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('undone_because', common.sealed.SealedTextField('import.undone_because', blank=True)),
            ],
            options={
                'indexes': [models.Index(fields=['clinic', '-brought_at'], name='import_by_clinic')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('discarded_at', None), ('undone_at', None)), fields=('clinic', 'table_index'), name='one_import_per_clinic_and_table'), models.CheckConstraint(condition=models.Q(models.Q(('accepted_at', None), ('accepted_by', None)), models.Q(('accepted_at__isnull', False), ('accepted_by__isnull', False)), _connector='OR'), name='an_accepted_import_says_by_whom'), models.CheckConstraint(condition=models.Q(models.Q(('accepted_at', None), ('discarded_at', None)), ('table', ''), _connector='OR'), name='a_decided_import_keeps_no_table'), models.CheckConstraint(condition=models.Q(('discarded_at', None), ('accepted_at', None), _connector='OR'), name='an_import_is_accepted_or_discarded'), models.CheckConstraint(condition=models.Q(models.Q(('undone_at', None), ('undone_by', None)), models.Q(('accepted_at__isnull', False), ('undone_at__isnull', False), ('undone_by__isnull', False)), _connector='OR'), name='only_an_accepted_import_is_undone'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('brought_at'))), name='an_import_expires_after_it_is_brought')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "imports_importevent" ("accepted_at", "accepted_by_id", "brought_at", "brought_by_id", "clinic_id", "discarded_at", "discarded_by_id", "expires_at", "id", "patients_made", "pgh_created_at", "pgh_label", "pgh_obj_id", "plans_made", "rows_total", "undone_at", "undone_because", "undone_by_id") VALUES (NEW."accepted_at", NEW."accepted_by_id", NEW."brought_at", NEW."brought_by_id", NEW."clinic_id", NEW."discarded_at", NEW."discarded_by_id", NEW."expires_at", NEW."id", NEW."patients_made", NOW(), \'insert\', NEW."id", NEW."plans_made", NEW."rows_total", NEW."undone_at", NEW."undone_because", NEW."undone_by_id"); RETURN NULL;', hash='17344df4de21a7afdf1dc7fa68c772dede3487df', operation='INSERT', pgid='pgtrigger_insert_insert_5809a', table='imports_import', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((OLD."id", OLD."clinic_id", OLD."rows_total", OLD."brought_at", OLD."brought_by_id", OLD."expires_at", OLD."accepted_at", OLD."accepted_by_id", OLD."patients_made", OLD."plans_made", OLD."discarded_at", OLD."discarded_by_id", OLD."undone_at", OLD."undone_by_id", OLD."undone_because") IS DISTINCT FROM (NEW."id", NEW."clinic_id", NEW."rows_total", NEW."brought_at", NEW."brought_by_id", NEW."expires_at", NEW."accepted_at", NEW."accepted_by_id", NEW."patients_made", NEW."plans_made", NEW."discarded_at", NEW."discarded_by_id", NEW."undone_at", NEW."undone_by_id", NEW."undone_because"))', func='INSERT INTO "imports_importevent" ("accepted_at", "accepted_by_id", "brought_at", "brought_by_id", "clinic_id", "discarded_at", "discarded_by_id", "expires_at", "id", "patients_made", "pgh_created_at", "pgh_label", "pgh_obj_id", "plans_made", "rows_total", "undone_at", "undone_because", "undone_by_id") VALUES (NEW."accepted_at", NEW."accepted_by_id", NEW."brought_at", NEW."brought_by_id", NEW."clinic_id", NEW."discarded_at", NEW."discarded_by_id", NEW."expires_at", NEW."id", NEW."patients_made", NOW(), \'update\', NEW."id", NEW."plans_made", NEW."rows_total", NEW."undone_at", NEW."undone_because", NEW."undone_by_id"); RETURN NULL;', hash='393630bb0fad0e156add78a842d3ced002838e54', operation='UPDATE', pgid='pgtrigger_update_update_43cf2', table='imports_import', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='ImportedRow',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='imports.import')),
                ('number', models.PositiveIntegerField()),
                ('row_index', models.CharField(max_length=64)),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('prescription', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='titration.prescription')),
                ('patient_version', models.PositiveIntegerField()),
                ('change_sequence', models.BigIntegerField()),
                ('undone_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('source', 'number'), name='one_patient_per_import_and_row'), models.UniqueConstraint(condition=models.Q(('undone_at', None)), fields=('clinic', 'row_index'), name='a_row_is_imported_once')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "imports_importedrowevent" ("change_sequence", "clinic_id", "id", "number", "patient_id", "patient_version", "pgh_created_at", "pgh_label", "pgh_obj_id", "prescription_id", "source_id", "undone_at") VALUES (NEW."change_sequence", NEW."clinic_id", NEW."id", NEW."number", NEW."patient_id", NEW."patient_version", NOW(), \'insert\', NEW."id", NEW."prescription_id", NEW."source_id", NEW."undone_at"); RETURN NULL;', hash='a50518e75bde1c39c2e9364277c583420364bd09', operation='INSERT', pgid='pgtrigger_insert_insert_177df', table='imports_importedrow', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((OLD."id", OLD."clinic_id", OLD."source_id", OLD."number", OLD."patient_id", OLD."prescription_id", OLD."patient_version", OLD."change_sequence", OLD."undone_at") IS DISTINCT FROM (NEW."id", NEW."clinic_id", NEW."source_id", NEW."number", NEW."patient_id", NEW."prescription_id", NEW."patient_version", NEW."change_sequence", NEW."undone_at"))', func='INSERT INTO "imports_importedrowevent" ("change_sequence", "clinic_id", "id", "number", "patient_id", "patient_version", "pgh_created_at", "pgh_label", "pgh_obj_id", "prescription_id", "source_id", "undone_at") VALUES (NEW."change_sequence", NEW."clinic_id", NEW."id", NEW."number", NEW."patient_id", NEW."patient_version", NOW(), \'update\', NEW."id", NEW."prescription_id", NEW."source_id", NEW."undone_at"); RETURN NULL;', hash='33b18b526361bb072c1845d1abd101f9e20a75c0', operation='UPDATE', pgid='pgtrigger_update_update_6ee24', table='imports_importedrow', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='ImportedRowEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='imports.importedrow')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('source', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='imports.import')),
                ('number', models.PositiveIntegerField()),
                ('patient', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='patients.patient')),
                ('prescription', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='titration.prescription')),
                ('patient_version', models.PositiveIntegerField()),
                ('change_sequence', models.BigIntegerField()),
                ('undone_at', models.DateTimeField(null=True)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='66db4af26c035722f63b516401348df330e84409', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a9ce9', table='imports_importedrowevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='ImportEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='imports.import')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('rows_total', models.PositiveIntegerField()),
                ('brought_at', models.DateTimeField()),
                ('brought_by', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('expires_at', models.DateTimeField()),
                ('accepted_at', models.DateTimeField(null=True)),
                ('accepted_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('patients_made', models.PositiveIntegerField(default=0)),
                ('plans_made', models.PositiveIntegerField(default=0)),
                ('discarded_at', models.DateTimeField(null=True)),
                ('discarded_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('undone_at', models.DateTimeField(null=True)),
                ('undone_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('undone_because', common.sealed.SealedTextField('import.undone_because', blank=True)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='28a4317c7d6f2e73b0794c739745c9cb9fe178ed', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a6810', table='imports_importevent', when='BEFORE'))],
            },
        ),
        InstallTriggers(),
    ]
