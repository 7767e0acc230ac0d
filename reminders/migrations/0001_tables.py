import django.db.models.deletion
import pgtrigger.compiler
import reminders.states
import uuid
from django.conf import settings
from django.db import migrations, models

from common.triggers import InstallTriggers


class Migration(migrations.Migration):

    initial = True

    replaces = [
        ('reminders', '0001_initial'),
        ('reminders', '0002_append_only_grants'),
        ('reminders', '0003_room_for_claims'),
        ('reminders', '0004_walls'),
        ('reminders', '0005_attempts_in_trouble'),
        ('reminders', '0006_urgent'),
    ]

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('accounts', '0001_tables'),
        ('patients', '0001_tables'),
        ('titration', '0001_tables'),
    ]

    operations = [
        migrations.CreateModel(
            name='Breaker',
            fields=[
                ('channel', models.CharField(choices=[('email', 'E-mail')], max_length=10, primary_key=True, serialize=False)),
                ('failures_in_a_row', models.PositiveSmallIntegerField(default=0)),
                ('open_until', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('name', models.CharField(choices=[('beat', 'Beat'), ('worker', 'Worker'), ('round', 'Round'), ('plan', 'Plan')], max_length=20, primary_key=True, serialize=False)),
                ('at', models.DateTimeField()),
                ('oldest_due_at', models.DateTimeField(null=True)),
                ('oldest_doubt_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Occurrence',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('prescription', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='titration.prescription')),
                ('kind', models.CharField(choices=[('step_eve', 'The evening before a step'), ('night_log', 'The night is not logged yet'), ('message', 'Something from the clinic to read')], max_length=10)),
                ('about_on', models.DateField()),
                ('local_time', models.TimeField()),
                ('zone_name', models.CharField(max_length=64)),
                ('due_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('planned', 'Planned'), ('skipped_outage', 'Skipped Outage')], default='planned', max_length=20)),
            ],
            options={
                'indexes': [models.Index(fields=['clinic', 'due_at', 'id'], name='occurrence_by_clinic_and_due')],
                'constraints': [models.UniqueConstraint(fields=('patient', 'kind', 'about_on'), name='one_occurrence_per_patient_kind_and_date'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('due_at'))), name='an_occurrence_expires_later')],
            },
        ),
        migrations.CreateModel(
            name='Reminder',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('occurrence', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='reminders', to='reminders.occurrence')),
                ('channel', models.CharField(choices=[('email', 'E-mail')], default='email', max_length=10)),
                ('state', models.CharField(choices=[('pending', 'pending'), ('claimed', 'claimed'), ('sending', 'sending'), ('sent', 'sent'), ('failed', 'failed'), ('uncertain', 'uncertain'), ('expired', 'expired'), ('cancelled', 'cancelled')], default=reminders.states.State['PENDING'], max_length=10)),
                ('next_at', models.DateTimeField()),
                ('not_after', models.DateTimeField()),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('lease', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('error_class', models.CharField(blank=True, max_length=60)),
                ('done_at', models.DateTimeField(null=True)),
                ('settled_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('done_at', None)), fields=['next_at'], name='reminder_due'), models.Index(condition=models.Q(('done_at', None)), fields=['not_after'], name='reminder_going_stale'), models.Index(condition=models.Q(('done_at', None)), fields=['clinic'], name='reminder_unsettled_by_clinic')],
                'constraints': [models.UniqueConstraint(fields=('occurrence', 'channel'), name='one_reminder_per_occurrence_and_channel'), models.CheckConstraint(condition=models.Q(('state__in', [reminders.states.State['CANCELLED'], reminders.states.State['CLAIMED'], reminders.states.State['EXPIRED'], reminders.states.State['FAILED'], reminders.states.State['PENDING'], reminders.states.State['SENDING'], reminders.states.State['SENT'], reminders.states.State['UNCERTAIN']])), name='a_reminder_is_in_a_known_state'), models.CheckConstraint(condition=models.Q(models.Q(('lease__isnull', False), ('lease_until__isnull', False), ('state__in', [reminders.states.State['CLAIMED'], reminders.states.State['SENDING']])), models.Q(models.Q(('state__in', [reminders.states.State['CLAIMED'], reminders.states.State['SENDING']]), _negated=True), ('lease', None), ('lease_until', None)), _connector='OR'), name='leased_exactly_while_claimed_or_sending'), models.CheckConstraint(condition=models.Q(models.Q(('done_at__isnull', False), ('state__in', [reminders.states.State['CANCELLED'], reminders.states.State['EXPIRED'], reminders.states.State['FAILED'], reminders.states.State['SENT']])), models.Q(models.Q(('state__in', [reminders.states.State['CANCELLED'], reminders.states.State['EXPIRED'], reminders.states.State['FAILED'], reminders.states.State['SENT']]), _negated=True), ('done_at', None)), _connector='OR'), name='done_exactly_when_final')],
                'triggers': [pgtrigger.compiler.Trigger(name='reminder_legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{pending:cancelled,pending:claimed,pending:expired,pending:failed,claimed:cancelled,claimed:expired,claimed:failed,claimed:pending,claimed:sending,sending:failed,sending:pending,sending:sent,sending:uncertain,uncertain:failed,uncertain:sent}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='81bddb0dd5f7dc5df8bfe5af861b0f618d01b660', operation='UPDATE', pgid='pgtrigger_reminder_legal_moves_fd580', table='reminders_reminder', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('reminder', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tries', to='reminders.reminder')),
                ('number', models.PositiveSmallIntegerField()),
                ('outcome', models.CharField(choices=[('begun', 'Begun'), ('sent', 'Sent'), ('refused_for_now', 'Refused For Now'), ('failed', 'Failed'), ('uncertain', 'Uncertain')], max_length=20)),
                ('error_class', models.CharField(blank=True, max_length=60)),
                ('at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('outcome__in', ['failed', 'uncertain'])), fields=['clinic', 'at'], name='attempt_in_trouble')],
                'constraints': [models.UniqueConstraint(fields=('reminder', 'number', 'outcome'), name='one_row_per_try_and_outcome')],
                'triggers': [pgtrigger.compiler.Trigger(name='attempt_append_only', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;", hash='7fecebf32002c035ff9c17b2281461ff6362bbae', operation='UPDATE OR DELETE', pgid='pgtrigger_attempt_append_only_d511a', table='reminders_attempt', when='BEFORE')), pgtrigger.compiler.Trigger(name='attempt_no_truncate', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot truncate rows from % table', TG_TABLE_NAME;", hash='f2b22e1faf5460a3a062b890e2c30bc2644d7b80', level='STATEMENT', operation='TRUNCATE', pgid='pgtrigger_attempt_no_truncate_d0f2b', table='reminders_attempt', when='BEFORE'))],
            },
        ),
        migrations.CreateModel(
            name='UrgentItem',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('code', models.CharField(choices=[('opioid_report', 'Opioid question answered yes'), ('finding', 'Urgent alert')], max_length=20)),
                ('subject_id', models.UUIDField()),
                ('raised_at', models.DateTimeField()),
                ('opened_at', models.DateTimeField(null=True)),
                ('opened_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('closed_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('closed_at', None)), fields=['clinic', 'raised_at'], name='urgent_item_open')],
                'constraints': [models.UniqueConstraint(fields=('code', 'subject_id'), name='one_urgent_item_per_subject'), models.CheckConstraint(condition=models.Q(models.Q(('opened_at', None), ('opened_by', None)), models.Q(('opened_at__isnull', False), ('opened_by__isnull', False)), _connector='OR'), name='an_opened_item_says_by_whom')],
            },
        ),
        migrations.CreateModel(
            name='UrgentNotice',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('clinic', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic')),
                ('item', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='reminders.urgentitem')),
                ('user', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('channel', models.CharField(choices=[('email', 'E-mail'), ('sms', 'Text message')], max_length=10)),
                ('round', models.PositiveSmallIntegerField()),
                ('planned_at', models.DateTimeField()),
                ('escalates_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('pending', 'pending'), ('claimed', 'claimed'), ('sending', 'sending'), ('sent', 'sent'), ('failed', 'failed'), ('uncertain', 'uncertain'), ('expired', 'expired'), ('cancelled', 'cancelled')], default=reminders.states.State['PENDING'], max_length=10)),
                ('next_at', models.DateTimeField()),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('lease', models.UUIDField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('error_class', models.CharField(blank=True, max_length=60)),
                ('done_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('done_at', None)), fields=['next_at'], name='urgent_notice_due')],
                'constraints': [models.UniqueConstraint(fields=('item', 'user', 'channel', 'round'), name='one_notice_per_item_person_channel_and_round'), models.CheckConstraint(condition=models.Q(('state__in', [reminders.states.State['CANCELLED'], reminders.states.State['CLAIMED'], reminders.states.State['EXPIRED'], reminders.states.State['FAILED'], reminders.states.State['PENDING'], reminders.states.State['SENDING'], reminders.states.State['SENT'], reminders.states.State['UNCERTAIN']])), name='a_notice_is_in_a_known_state'), models.CheckConstraint(condition=models.Q(models.Q(('lease__isnull', False), ('lease_until__isnull', False), ('state__in', [reminders.states.State['CLAIMED'], reminders.states.State['SENDING']])), models.Q(models.Q(('state__in', [reminders.states.State['CLAIMED'], reminders.states.State['SENDING']]), _negated=True), ('lease', None), ('lease_until', None)), _connector='OR'), name='a_notice_is_leased_while_claimed_or_sending'), models.CheckConstraint(condition=models.Q(models.Q(('done_at__isnull', False), ('state__in', [reminders.states.State['CANCELLED'], reminders.states.State['EXPIRED'], reminders.states.State['FAILED'], reminders.states.State['SENT']])), models.Q(models.Q(('state__in', [reminders.states.State['CANCELLED'], reminders.states.State['EXPIRED'], reminders.states.State['FAILED'], reminders.states.State['SENT']]), _negated=True), ('done_at', None)), _connector='OR'), name='a_notice_is_done_when_final')],
                'triggers': [pgtrigger.compiler.Trigger(name='notice_legal_moves', sql=pgtrigger.compiler.UpsertTriggerSql(declare='DECLARE _is_valid_transition BOOLEAN;', func='SELECT CONCAT(OLD."state", \':\', NEW."state") = ANY(\'{pending:cancelled,pending:claimed,pending:expired,pending:failed,claimed:cancelled,claimed:expired,claimed:failed,claimed:pending,claimed:sending,sending:failed,sending:pending,sending:sent,sending:uncertain,uncertain:failed,uncertain:sent}\'::text[]) INTO _is_valid_transition; IF (_is_valid_transition IS FALSE AND OLD."state" IS DISTINCT FROM NEW."state") THEN RAISE EXCEPTION \'pgtrigger: Invalid transition of field "state" from "%" to "%" on table %\', OLD."state", NEW."state", TG_TABLE_NAME; ELSE RETURN NEW; END IF;', hash='b16ea53b0dee70e179f6493953562d04455b084b', operation='UPDATE', pgid='pgtrigger_notice_legal_moves_481b7', table='reminders_urgentnotice', when='BEFORE'))],
            },
        ),
        InstallTriggers(),
    ]
