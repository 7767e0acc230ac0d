import common.fields
import common.sealed
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import pgtrigger.compiler
import uuid
from decimal import Decimal
from django.conf import settings
from django.db import migrations, models

from common.triggers import InstallTriggers


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('symptoms', '0001_initial'),
        ('symptoms', '0002_append_only_grants'),
        ('symptoms', '0003_seal_words'),
        ('symptoms', '0004_history'),
        ('symptoms', '0005_walls'),
        ('symptoms', '0006_a_split_day'),
        ('symptoms', '0007_assessments'),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('accounts', '0001_tables'),
        ('patients', '0001_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='CrisisChoice',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('locale', models.CharField(max_length=10)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('by_label', models.CharField(max_length=200)),
            ],
            options={
                'indexes': [models.Index(fields=['clinic', '-at'], name='crisis_choice_newest_first')],
                'triggers': [pgtrigger.compiler.Trigger(name='crisis_choice_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='28060ecf5b8ddd18fd008f6fe9ec5d69b0ffdc82', operation='UPDATE OR DELETE', pgid='pgtrigger_crisis_choice_append_only_87b3e', table='symptoms_crisischoice', when='BEFORE')), pgtrigger.compiler.Trigger(name='crisis_choice_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='8a53528ab927fc3fd58a0940cee295e959e1a572', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_crisis_choice_no_truncate_b320e', table='symptoms_crisischoice', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='DoseTaken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='doses_taken', to='patients.patient')),
                ('plan_date', models.DateField()),
                ('slot', models.CharField(choices=[('bedtime', 'bedtime'), ('morning', 'morning'), ('split', 'split')], max_length=10)),
                ('taken', models.CharField(choices=[('taken', 'Taken'), ('skipped', 'Skipped'), ('not_yet', 'Not yet')], max_length=10)),
                ('taken_mg', common.fields.DoseField(decimal_places=3, max_digits=6, null=True)),
                ('taken_at', models.DateTimeField(null=True)),
                ('skipped_because', models.CharField(blank=True, max_length=40)),
                ('recorded_at', models.DateTimeField()),
                ('recorded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('patient', 'plan_date', 'slot'), name='one_dose_record_per_plan_date_and_slot'), models.CheckConstraint(condition=models.Q(('taken_mg__isnull', True), models.Q(('taken_mg__gt', Decimal('0')), ('taken_mg__lte', Decimal('10'))), _connector='OR'), name='taken_mg_within_limits'), models.CheckConstraint(condition=models.Q(('taken', 'taken'), models.Q(('taken_at', None), ('taken_mg', None)), _connector='OR'), name='only_a_taken_dose_has_an_amount_and_a_time')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "symptoms_dosetakenevent" ("clinic_id", "id", "patient_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_date", "recorded_at", "recorded_by_id", "skipped_because", "slot", "taken", "taken_at", "taken_mg") VALUES (NEW."clinic_id", NEW."id", NEW."patient_id", NOW(), \'insert\', NEW."id", NEW."plan_date", NEW."recorded_at", NEW."recorded_by_id", NEW."skipped_because", NEW."slot", NEW."taken", NEW."taken_at", NEW."taken_mg"); RETURN NULL;', hash='b38654b76d759a408c0b26be1a177e7e0dded134', operation='INSERT', pgid='pgtrigger_insert_insert_b7235', table='symptoms_dosetaken', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "symptoms_dosetakenevent" ("clinic_id", "id", "patient_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "plan_date", "recorded_at", "recorded_by_id", "skipped_because", "slot", "taken", "taken_at", "taken_mg") VALUES (NEW."clinic_id", NEW."id", NEW."patient_id", NOW(), \'update\', NEW."id", NEW."plan_date", NEW."recorded_at", NEW."recorded_by_id", NEW."skipped_because", NEW."slot", NEW."taken", NEW."taken_at", NEW."taken_mg"); RETURN NULL;', hash='7fec803afc127c82d96de729f8f239bc3067a428', operation='UPDATE', pgid='pgtrigger_update_update_f9c0e', table='symptoms_dosetaken', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='DoseTakenEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='symptoms.dosetaken')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('patient', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='patients.patient')),
                ('plan_date', models.DateField()),
                ('slot', models.CharField(choices=[('bedtime', 'bedtime'), ('morning', 'morning'), ('split', 'split')], max_length=10)),
                ('taken', models.CharField(choices=[('taken', 'Taken'), ('skipped', 'Skipped'), ('not_yet', 'Not yet')], max_length=10)),
                ('taken_mg', common.fields.DoseField(decimal_places=3, max_digits=6, null=True)),
                ('taken_at', models.DateTimeField(null=True)),
                ('skipped_because', models.CharField(blank=True, max_length=40)),
                ('recorded_at', models.DateTimeField()),
                ('recorded_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='1e08a8f06bf51c0ad095e1e962aa267dca685a65', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_f5129', table='symptoms_dosetakenevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='OpioidReport',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='opioid_reports', to='patients.patient')),
                ('night', models.DateField()),
                ('answer', models.CharField(max_length=10)),
                ('words', common.sealed.SealedTextField('opioid_report.words', blank=True)),
                ('at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['clinic', 'patient', '-at'], name='opioid_report_by_patient')],
                'triggers': [pgtrigger.compiler.Trigger(name='opioid_report_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='d0e5bb05b175baecbbb2783c6a12ad80a8e06d5b', operation='UPDATE OR DELETE', pgid='pgtrigger_opioid_report_append_only_9c7eb', table='symptoms_opioidreport', when='BEFORE')), pgtrigger.compiler.Trigger(name='opioid_report_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='400f10f6179922fef996f7d2c92c39e96dba1305', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_opioid_report_no_truncate_cc6a2', table='symptoms_opioidreport', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='SymptomLog',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='logs', to='patients.patient')),
                ('night', models.DateField()),
                ('sleep_hours', models.DecimalField(decimal_places=2, max_digits=4, null=True)),
                ('latency_min', models.PositiveSmallIntegerField(null=True)),
                ('awake_min', models.PositiveSmallIntegerField(null=True)),
                ('awakenings', models.PositiveSmallIntegerField(null=True)),
                ('quality', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)])),
                ('dream_vividness', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(3)])),
                ('dream_distress', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('pain', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('fatigue', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('lead_symptom', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('other_medicines_answer', models.CharField(blank=True, choices=[('no', 'No'), ('yes', 'Yes'), ('unsure', 'I am not sure')], max_length=10)),
                ('other_medicines', common.sealed.SealedTextField('symptom_log.other_medicines', blank=True)),
                ('note', common.sealed.SealedTextField('symptom_log.note', blank=True)),
                ('side_effects', models.JSONField(default=dict)),
                ('told_by', models.CharField(choices=[('patient', 'By the patient'), ('phone', 'Reported by phone')], db_default='patient', default='patient', max_length=10)),
                ('version', models.PositiveIntegerField(default=1)),
                ('recorded_at', models.DateTimeField()),
                ('recorded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['clinic', 'patient', 'night'], name='log_by_clinic_patient_night')],
                'constraints': [models.UniqueConstraint(fields=('patient', 'night'), name='one_log_per_patient_and_night'), models.CheckConstraint(condition=models.Q(('sleep_hours__isnull', True), models.Q(('sleep_hours__gte', 0), ('sleep_hours__lte', 24)), _connector='OR'), name='sleep_hours_from_0_to_24'), models.CheckConstraint(condition=models.Q(('latency_min__isnull', True), models.Q(('latency_min__gte', 0), ('latency_min__lte', 1440)), _connector='OR'), name='latency_min_from_0_to_1440'), models.CheckConstraint(condition=models.Q(('awake_min__isnull', True), models.Q(('awake_min__gte', 0), ('awake_min__lte', 1440)), _connector='OR'), name='awake_min_from_0_to_1440'), models.CheckConstraint(condition=models.Q(('awakenings__isnull', True), models.Q(('awakenings__gte', 0), ('awakenings__lte', 100)), _connector='OR'), name='awakenings_from_0_to_100'), models.CheckConstraint(condition=models.Q(('quality__isnull', True), models.Q(('quality__gte', 1), ('quality__lte', 5)), _connector='OR'), name='quality_from_1_to_5'), models.CheckConstraint(condition=models.Q(('dream_vividness__isnull', True), models.Q(('dream_vividness__gte', 0), ('dream_vividness__lte', 3)), _connector='OR'), name='dream_vividness_from_0_to_3'), models.CheckConstraint(condition=models.Q(('dream_distress__isnull', True), models.Q(('dream_distress__gte', 0), ('dream_distress__lte', 10)), _connector='OR'), name='dream_distress_from_0_to_10'), models.CheckConstraint(condition=models.Q(('pain__isnull', True), models.Q(('pain__gte', 0), ('pain__lte', 10)), _connector='OR'), name='pain_from_0_to_10'), models.CheckConstraint(condition=models.Q(('fatigue__isnull', True), models.Q(('fatigue__gte', 0), ('fatigue__lte', 10)), _connector='OR'), name='fatigue_from_0_to_10'), models.CheckConstraint(condition=models.Q(('lead_symptom__isnull', True), models.Q(('lead_symptom__gte', 0), ('lead_symptom__lte', 10)), _connector='OR'), name='lead_symptom_from_0_to_10')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "symptoms_symptomlogevent" ("awake_min", "awakenings", "clinic_id", "dream_distress", "dream_vividness", "fatigue", "id", "latency_min", "lead_symptom", "night", "note", "other_medicines", "other_medicines_answer", "pain", "patient_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quality", "recorded_at", "recorded_by_id", "side_effects", "sleep_hours", "told_by", "version") VALUES (NEW."awake_min", NEW."awakenings", NEW."clinic_id", NEW."dream_distress", NEW."dream_vividness", NEW."fatigue", NEW."id", NEW."latency_min", NEW."lead_symptom", NEW."night", NEW."note", NEW."other_medicines", NEW."other_medicines_answer", NEW."pain", NEW."patient_id", NOW(), \'insert\', NEW."id", NEW."quality", NEW."recorded_at", NEW."recorded_by_id", NEW."side_effects", NEW."sleep_hours", NEW."told_by", NEW."version"); RETURN NULL;', hash='4af202a33a145b0381a9617b37122be52aa233b1', operation='INSERT', pgid='pgtrigger_insert_insert_ace20', table='symptoms_symptomlog', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "symptoms_symptomlogevent" ("awake_min", "awakenings", "clinic_id", "dream_distress", "dream_vividness", "fatigue", "id", "latency_min", "lead_symptom", "night", "note", "other_medicines", "other_medicines_answer", "pain", "patient_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "quality", "recorded_at", "recorded_by_id", "side_effects", "sleep_hours", "told_by", "version") VALUES (NEW."awake_min", NEW."awakenings", NEW."clinic_id", NEW."dream_distress", NEW."dream_vividness", NEW."fatigue", NEW."id", NEW."latency_min", NEW."lead_symptom", NEW."night", NEW."note", NEW."other_medicines", NEW."other_medicines_answer", NEW."pain", NEW."patient_id", NOW(), \'update\', NEW."id", NEW."quality", NEW."recorded_at", NEW."recorded_by_id", NEW."side_effects", NEW."sleep_hours", NEW."told_by", NEW."version"); RETURN NULL;', hash='a1419735fcc350e876e986ece1251c4753840821', operation='UPDATE', pgid='pgtrigger_update_update_c97c5', table='symptoms_symptomlog', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='SymptomLogEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='symptoms.symptomlog')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('patient', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='patients.patient')),
                ('night', models.DateField()),
                ('sleep_hours', models.DecimalField(decimal_places=2, max_digits=4, null=True)),
                ('latency_min', models.PositiveSmallIntegerField(null=True)),
                ('awake_min', models.PositiveSmallIntegerField(null=True)),
                ('awakenings', models.PositiveSmallIntegerField(null=True)),
                ('quality', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(5)])),
                ('dream_vividness', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(3)])),
                ('dream_distress', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('pain', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('fatigue', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('lead_symptom', models.PositiveSmallIntegerField(null=True, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(10)])),
                ('other_medicines_answer', models.CharField(blank=True, choices=[('no', 'No'), ('yes', 'Yes'), ('unsure', 'I am not sure')], max_length=10)),
                ('other_medicines', common.sealed.SealedTextField('symptom_log.other_medicines', blank=True)),
                ('note', common.sealed.SealedTextField('symptom_log.note', blank=True)),
                ('side_effects', models.JSONField(default=dict)),
                ('told_by', models.CharField(choices=[('patient', 'By the patient'), ('phone', 'Reported by phone')], db_default='patient', default='patient', max_length=10)),
                ('version', models.PositiveIntegerField(default=1)),
                ('recorded_at', models.DateTimeField()),
                ('recorded_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='89aaef97341393378b4ae976924222f15c099cc5', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_92555', table='symptoms_symptomlogevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Assessment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assessments', to='patients.patient')),
                ('instrument', models.CharField(max_length=20)),
                ('form_version', models.PositiveSmallIntegerField()),
                ('on', models.DateField()),
                ('answers', models.JSONField()),
                ('score', models.DecimalField(decimal_places=1, max_digits=4, null=True)),
                ('item9', models.PositiveSmallIntegerField(null=True)),
                ('given_by', models.CharField(choices=[('patient', 'the patient'), ('carer', 'a helper'), ('clinician', 'the clinic')], max_length=10)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('by_label', models.CharField(max_length=200)),
            ],
            options={
                'indexes': [models.Index(fields=['clinic', 'patient', 'instrument', '-on', '-at'], name='assessment_newest_first')],
                'constraints': [models.CheckConstraint(condition=models.Q(('item9__isnull', True), models.Q(('item9__gte', 0), ('item9__lte', 3)), _connector='OR'), name='item9_from_0_to_3'), models.CheckConstraint(condition=models.Q(('instrument', 'phq-9'), ('item9', None), _connector='OR'), name='only_a_phq_9_has_an_item_9'), models.CheckConstraint(condition=models.Q(models.Q(('given_by', 'clinician'), _negated=True), ('by__isnull', False), _connector='OR'), name='what_a_clinic_records_says_who_did')],
                'triggers': [pgtrigger.compiler.Trigger(name='assessment_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='f8c9b287dbbb48a275b0f75d363e7063575ed725', operation='UPDATE OR DELETE', pgid='pgtrigger_assessment_append_only_44667', table='symptoms_assessment', when='BEFORE')), pgtrigger.compiler.Trigger(name='assessment_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='a23358f8a1149f5f37de754c221cb5b949aaf2b4', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_assessment_no_truncate_b541e', table='symptoms_assessment', when='BEFORE'))],
            },
        ),
        InstallTriggers(),
    ]
