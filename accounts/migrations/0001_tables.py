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
        ('accounts', '0001_initial'),
        ('accounts', '0002_principal_role'),
        ('accounts', '0003_sessions_by_person'),
        ('accounts', '0004_history'),
        ('accounts', '0005_walls'),
        ('accounts', '0006_retention_years'),
        ('accounts', '0007_members_come_and_go'),
        ('accounts', '0008_letterhead_and_licence'),
    ]

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('username', models.CharField(max_length=254, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('licence', models.CharField(blank=True, db_default='', default='', max_length=80)),
                ('npi', models.CharField(blank=True, db_default='', default='', max_length=10)),
                ('is_active', models.BooleanField(default=True)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_userevent" ("email", "id", "is_active", "licence", "name", "npi", "pgh_created_at", "pgh_label", "pgh_obj_id", "username") VALUES (NEW."email", NEW."id", NEW."is_active", NEW."licence", NEW."name", NEW."npi", NOW(), \'insert\', NEW."id", NEW."username"); RETURN NULL;', hash='c7c18b657e3b8f39994a0f940ec98eab405faacf', operation='INSERT', pgid='pgtrigger_insert_insert_3867c', table='accounts_user', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((OLD."id", OLD."username", OLD."name", OLD."email", OLD."licence", OLD."npi", OLD."is_active") IS DISTINCT FROM (NEW."id", NEW."username", NEW."name", NEW."email", NEW."licence", NEW."npi", NEW."is_active"))', func='INSERT INTO "accounts_userevent" ("email", "id", "is_active", "licence", "name", "npi", "pgh_created_at", "pgh_label", "pgh_obj_id", "username") VALUES (NEW."email", NEW."id", NEW."is_active", NEW."licence", NEW."name", NEW."npi", NOW(), \'update\', NEW."id", NEW."username"); RETURN NULL;', hash='86633b3b78d59a550ade98585161c246ba6b4b1b', operation='UPDATE', pgid='pgtrigger_update_update_0e890', table='accounts_user', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='Clinic',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('zone_name', models.CharField(max_length=64)),
                ('phone', models.CharField(max_length=40)),
                ('address', models.TextField(blank=True, db_default='', default='', max_length=400)),
                ('urgent_phone', models.CharField(blank=True, db_default='', default='', max_length=40)),
                ('after_hours_words', models.TextField()),
                ('retention_years', models.PositiveSmallIntegerField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('retention_years', None), models.Q(('retention_years__gte', 6), ('retention_years__lte', 50)), _connector='OR'), name='records_are_kept_from_6_to_50_years')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_clinicevent" ("address", "after_hours_words", "id", "name", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "retention_years", "urgent_phone", "zone_name") VALUES (NEW."address", NEW."after_hours_words", NEW."id", NEW."name", NOW(), \'insert\', NEW."id", NEW."phone", NEW."retention_years", NEW."urgent_phone", NEW."zone_name"); RETURN NULL;', hash='9abf203b41d690f4ea02609a7fc35bf2b2ddace9', operation='INSERT', pgid='pgtrigger_insert_insert_e9c0c', table='accounts_clinic', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_clinicevent" ("address", "after_hours_words", "id", "name", "pgh_created_at", "pgh_label", "pgh_obj_id", "phone", "retention_years", "urgent_phone", "zone_name") VALUES (NEW."address", NEW."after_hours_words", NEW."id", NEW."name", NOW(), \'update\', NEW."id", NEW."phone", NEW."retention_years", NEW."urgent_phone", NEW."zone_name"); RETURN NULL;', hash='57469efdb1ee4fa632095c736d0b24b806c4c228', operation='UPDATE', pgid='pgtrigger_update_update_d9a44', table='accounts_clinic', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='ClinicEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='accounts.clinic')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('zone_name', models.CharField(max_length=64)),
                ('phone', models.CharField(max_length=40)),
                ('address', models.TextField(blank=True, db_default='', default='', max_length=400)),
                ('urgent_phone', models.CharField(blank=True, db_default='', default='', max_length=40)),
                ('after_hours_words', models.TextField()),
                ('retention_years', models.PositiveSmallIntegerField(null=True)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='ccb603c95b910f382cb1c2e7874503bd8aac3d96', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_21fd6', table='accounts_clinicevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='ClinicHours',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('weekday', models.PositiveSmallIntegerField()),
                ('opens', models.TimeField()),
                ('closes', models.TimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('clinic', 'weekday', 'opens'), name='one_stretch_per_weekday_and_opening'), models.CheckConstraint(condition=models.Q(('weekday__lte', 6)), name='a_weekday_is_0_to_6'), models.CheckConstraint(condition=models.Q(('closes__gt', models.F('opens'))), name='a_clinic_closes_later')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_clinichoursevent" ("clinic_id", "closes", "id", "opens", "pgh_created_at", "pgh_label", "pgh_obj_id", "weekday") VALUES (NEW."clinic_id", NEW."closes", NEW."id", NEW."opens", NOW(), \'insert\', NEW."id", NEW."weekday"); RETURN NULL;', hash='c4ba4f71faea2a0a7c4c45b032ffb7ebe0ba69cb', operation='INSERT', pgid='pgtrigger_insert_insert_20b57', table='accounts_clinichours', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_clinichoursevent" ("clinic_id", "closes", "id", "opens", "pgh_created_at", "pgh_label", "pgh_obj_id", "weekday") VALUES (NEW."clinic_id", NEW."closes", NEW."id", NEW."opens", NOW(), \'update\', NEW."id", NEW."weekday"); RETURN NULL;', hash='d81179c87a8ac169e32c100a4534e725bfba4a7a', operation='UPDATE', pgid='pgtrigger_update_update_7b62c', table='accounts_clinichours', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_clinichoursevent" ("clinic_id", "closes", "id", "opens", "pgh_created_at", "pgh_label", "pgh_obj_id", "weekday") VALUES (OLD."clinic_id", OLD."closes", OLD."id", OLD."opens", NOW(), \'delete\', OLD."id", OLD."weekday"); RETURN NULL;', hash='0559dad209b58a44226697da77bae85bb4bc8312', operation='DELETE', pgid='pgtrigger_delete_delete_80a24', table='accounts_clinichours', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='ClinicHoursEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='accounts.clinichours')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('weekday', models.PositiveSmallIntegerField()),
                ('opens', models.TimeField()),
                ('closes', models.TimeField()),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='5d48bb255c5e7f91dda06c0006dbf5b579802886', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_a0318', table='accounts_clinichoursevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='ClosedDate',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('on', models.DateField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('clinic', 'on'), name='one_closing_per_clinic_and_date')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_closeddateevent" ("clinic_id", "id", "on", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."clinic_id", NEW."id", NEW."on", NOW(), \'insert\', NEW."id"); RETURN NULL;', hash='60382dcc0fbb65ce0094ea2c1af11a5aeaeefc5e', operation='INSERT', pgid='pgtrigger_insert_insert_71b31', table='accounts_closeddate', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_closeddateevent" ("clinic_id", "id", "on", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (NEW."clinic_id", NEW."id", NEW."on", NOW(), \'update\', NEW."id"); RETURN NULL;', hash='79c1735ac3cd356f8fe4582bfc9dc8224c5092ad', operation='UPDATE', pgid='pgtrigger_update_update_41a87', table='accounts_closeddate', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_closeddateevent" ("clinic_id", "id", "on", "pgh_created_at", "pgh_label", "pgh_obj_id") VALUES (OLD."clinic_id", OLD."id", OLD."on", NOW(), \'delete\', OLD."id"); RETURN NULL;', hash='03cc1eec01f366a8f71d378a17cea0cbdde6d185', operation='DELETE', pgid='pgtrigger_delete_delete_46462', table='accounts_closeddate', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='ClosedDateEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='accounts.closeddate')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('on', models.DateField()),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='3aa78f7b081eeff2b2e1a951a315c6360aa2e788', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_bdf02', table='accounts_closeddateevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Cover',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('away', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('covers', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('from_on', models.DateField()),
                ('until_on', models.DateField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('until_on__gt', models.F('from_on'))), name='a_cover_ends_after_it_begins'), models.CheckConstraint(condition=models.Q(('away', models.F('covers')), _negated=True), name='nobody_covers_themself')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_coverevent" ("away_id", "clinic_id", "covers_id", "ended_at", "from_on", "id", "pgh_created_at", "pgh_label", "pgh_obj_id", "until_on") VALUES (NEW."away_id", NEW."clinic_id", NEW."covers_id", NEW."ended_at", NEW."from_on", NEW."id", NOW(), \'insert\', NEW."id", NEW."until_on"); RETURN NULL;', hash='b3dd5179e71b5ae7737b80efd357908630e12f5c', operation='INSERT', pgid='pgtrigger_insert_insert_b08b3', table='accounts_cover', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_coverevent" ("away_id", "clinic_id", "covers_id", "ended_at", "from_on", "id", "pgh_created_at", "pgh_label", "pgh_obj_id", "until_on") VALUES (NEW."away_id", NEW."clinic_id", NEW."covers_id", NEW."ended_at", NEW."from_on", NEW."id", NOW(), \'update\', NEW."id", NEW."until_on"); RETURN NULL;', hash='1d3bfabecd20d725d7ea973d75b77a87e3161f77', operation='UPDATE', pgid='pgtrigger_update_update_9f31e', table='accounts_cover', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='CoverEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='accounts.cover')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('away', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('covers', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('from_on', models.DateField()),
                ('until_on', models.DateField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='4e0d15e5ea10679eea6d76d8f050f18c20356557', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_2cf5a', table='accounts_coverevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='MemberInvitation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('address', common.sealed.SealedTextField('member_invitation.address', max_length=254)),
                ('role', models.CharField(choices=[('prescriber', 'Prescriber'), ('nurse', 'Nurse'), ('staff', 'Staff'), ('auditor', 'Auditor'), ('administrator', 'Administrator'), ('principal', 'Principal')], max_length=20)),
                ('token_digest', models.CharField(max_length=64, unique=True)),
                ('invited_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('invited_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('mailed_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('accepted_at', models.DateTimeField(null=True)),
                ('accepted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('accepted_at', None), ('accepted_by', None)), models.Q(('accepted_at__isnull', False), ('accepted_by__isnull', False), ('withdrawn_at', None)), _connector='OR'), name='taken_by_somebody_and_not_withdrawn')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_memberinvitationevent" ("accepted_at", "accepted_by_id", "address", "clinic_id", "expires_at", "id", "invited_at", "invited_by_id", "mailed_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "withdrawn_at") VALUES (NEW."accepted_at", NEW."accepted_by_id", NEW."address", NEW."clinic_id", NEW."expires_at", NEW."id", NEW."invited_at", NEW."invited_by_id", NEW."mailed_at", NOW(), \'insert\', NEW."id", NEW."role", NEW."withdrawn_at"); RETURN NULL;', hash='57b13eb9c21774791140b29c3459432cb87119ea', operation='INSERT', pgid='pgtrigger_insert_insert_dca3f', table='accounts_memberinvitation', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN ((OLD."id", OLD."clinic_id", OLD."address", OLD."role", OLD."invited_by_id", OLD."invited_at", OLD."expires_at", OLD."mailed_at", OLD."withdrawn_at", OLD."accepted_at", OLD."accepted_by_id") IS DISTINCT FROM (NEW."id", NEW."clinic_id", NEW."address", NEW."role", NEW."invited_by_id", NEW."invited_at", NEW."expires_at", NEW."mailed_at", NEW."withdrawn_at", NEW."accepted_at", NEW."accepted_by_id"))', func='INSERT INTO "accounts_memberinvitationevent" ("accepted_at", "accepted_by_id", "address", "clinic_id", "expires_at", "id", "invited_at", "invited_by_id", "mailed_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "withdrawn_at") VALUES (NEW."accepted_at", NEW."accepted_by_id", NEW."address", NEW."clinic_id", NEW."expires_at", NEW."id", NEW."invited_at", NEW."invited_by_id", NEW."mailed_at", NOW(), \'update\', NEW."id", NEW."role", NEW."withdrawn_at"); RETURN NULL;', hash='2d54f4af58fb21e7ce56504291d69445f0f7ba40', operation='UPDATE', pgid='pgtrigger_update_update_f3c64', table='accounts_memberinvitation', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='MemberInvitationEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='accounts.memberinvitation')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('address', common.sealed.SealedTextField('member_invitation.address', max_length=254)),
                ('role', models.CharField(choices=[('prescriber', 'Prescriber'), ('nurse', 'Nurse'), ('staff', 'Staff'), ('auditor', 'Auditor'), ('administrator', 'Administrator'), ('principal', 'Principal')], max_length=20)),
                ('invited_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('invited_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('mailed_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('accepted_at', models.DateTimeField(null=True)),
                ('accepted_by', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='084b971b6525137419149735608012735ebfbd3b', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_216b3', table='accounts_memberinvitationevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.clinic')),
                ('role', models.CharField(choices=[('prescriber', 'Prescriber'), ('nurse', 'Nurse'), ('staff', 'Staff'), ('auditor', 'Auditor'), ('administrator', 'Administrator'), ('principal', 'Principal')], max_length=20)),
                ('began_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('user', 'clinic'), name='one_role_per_person_and_clinic')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_membershipevent" ("began_at", "clinic_id", "ended_at", "id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "user_id") VALUES (NEW."began_at", NEW."clinic_id", NEW."ended_at", NEW."id", NOW(), \'insert\', NEW."id", NEW."role", NEW."user_id"); RETURN NULL;', hash='1a7ef5c21a9e5e54c3a4f116f48b495d686742a3', operation='INSERT', pgid='pgtrigger_insert_insert_fc05a', table='accounts_membership', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_membershipevent" ("began_at", "clinic_id", "ended_at", "id", "pgh_created_at", "pgh_label", "pgh_obj_id", "role", "user_id") VALUES (NEW."began_at", NEW."clinic_id", NEW."ended_at", NEW."id", NOW(), \'update\', NEW."id", NEW."role", NEW."user_id"); RETURN NULL;', hash='d39add88472a12c4b4eb484c93cff18e14ca417e', operation='UPDATE', pgid='pgtrigger_update_update_20ab5', table='accounts_membership', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='MembershipEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='accounts.membership')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('role', models.CharField(choices=[('prescriber', 'Prescriber'), ('nurse', 'Nurse'), ('staff', 'Staff'), ('auditor', 'Auditor'), ('administrator', 'Administrator'), ('principal', 'Principal')], max_length=20)),
                ('began_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='e1f05704110766345bef638c18be4307af995a77', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_9ee6c', table='accounts_membershipevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Session',
            fields=[
                ('session_key', models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name='session key')),
                ('session_data', models.TextField(verbose_name='session data')),
                ('expire_date', models.DateTimeField(db_index=True, verbose_name='expire date')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'session',
            },
        ),
        migrations.CreateModel(
            name='UrgentContact',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('position', models.PositiveSmallIntegerField()),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('text_to', common.sealed.SealedTextField('urgent_contact.text_to', blank=True, default='', max_length=20)),
                ('minutes', models.PositiveSmallIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('clinic', 'position'), name='one_urgent_contact_per_position'), models.UniqueConstraint(fields=('clinic', 'user'), name='one_place_in_the_urgent_route_per_person'), models.CheckConstraint(condition=models.Q(('minutes__gte', 5), ('minutes__lte', 240)), name='an_urgent_contact_has_5_to_240_minutes')],
                'triggers': [pgtrigger.compiler.Trigger(name='insert_insert', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_urgentcontactevent" ("clinic_id", "id", "minutes", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "text_to", "user_id") VALUES (NEW."clinic_id", NEW."id", NEW."minutes", NOW(), \'insert\', NEW."id", NEW."position", NEW."text_to", NEW."user_id"); RETURN NULL;', hash='43b1dc709e5cc8f58af731e7e2914c849500370c', operation='INSERT', pgid='pgtrigger_insert_insert_7b57e', table='accounts_urgentcontact', when='AFTER')), pgtrigger.compiler.Trigger(name='update_update', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD.* IS DISTINCT FROM NEW.*)', func='INSERT INTO "accounts_urgentcontactevent" ("clinic_id", "id", "minutes", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "text_to", "user_id") VALUES (NEW."clinic_id", NEW."id", NEW."minutes", NOW(), \'update\', NEW."id", NEW."position", NEW."text_to", NEW."user_id"); RETURN NULL;', hash='8f0ce9c3193b5b988a7861e593b4e279899c3dbe', operation='UPDATE', pgid='pgtrigger_update_update_04cce', table='accounts_urgentcontact', when='AFTER')), pgtrigger.compiler.Trigger(name='delete_delete', sql=pgtrigger.compiler.UpsertTriggerSql(func='INSERT INTO "accounts_urgentcontactevent" ("clinic_id", "id", "minutes", "pgh_created_at", "pgh_label", "pgh_obj_id", "position", "text_to", "user_id") VALUES (OLD."clinic_id", OLD."id", OLD."minutes", NOW(), \'delete\', OLD."id", OLD."position", OLD."text_to", OLD."user_id"); RETURN NULL;', hash='5c260189158bed461da8d58a55dee1e1e01caddd', operation='DELETE', pgid='pgtrigger_delete_delete_dc5d7', table='accounts_urgentcontact', when='AFTER'))],
            },
        ),
        migrations.CreateModel(
            name='UrgentContactEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to='accounts.urgentcontact')),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('clinic', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to='accounts.clinic')),
                ('position', models.PositiveSmallIntegerField()),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', related_query_name='+', to=settings.AUTH_USER_MODEL)),
                ('text_to', common.sealed.SealedTextField('urgent_contact.text_to', blank=True, default='', max_length=20)),
                ('minutes', models.PositiveSmallIntegerField()),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='90f55409dd7216e0f9842bdb04e519f4d6cc4021', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_aac58', table='accounts_urgentcontactevent', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='UserEvent',
            fields=[
                ('pgh_id', models.AutoField(primary_key=True, serialize=False)),
                ('pgh_created_at', models.DateTimeField(auto_now_add=True)),
                ('pgh_label', models.TextField(help_text='The event label.')),
                ('by_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.user'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('request_id', models.UUIDField(db_default=django.db.models.functions.comparison.Cast(django.db.models.functions.comparison.NullIf(models.Func(models.Value('app.request'), models.Value(True), function='current_setting', output_field=models.TextField()), models.Value('')), models.UUIDField()), null=True)),
                ('pgh_obj', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='events', to=settings.AUTH_USER_MODEL)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, serialize=False)),
                ('username', models.CharField(max_length=254)),
                ('name', models.CharField(max_length=200)),
                ('email', models.EmailField(blank=True, max_length=254)),
                ('licence', models.CharField(blank=True, db_default='', default='', max_length=80)),
                ('npi', models.CharField(blank=True, db_default='', default='', max_length=10)),
                ('is_active', models.BooleanField(default=True)),
            ],
            options={
                'abstract': False,
                'triggers': [pgtrigger.compiler.Trigger(name='append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='9e9498e73f6fbdf2642fb33fa14189f1ad2382c8', operation='UPDATE OR DELETE', pgid='pgtrigger_append_only_45b21', table='accounts_userevent', when='BEFORE'))],
            },
        ),
        InstallTriggers(),
    ]
