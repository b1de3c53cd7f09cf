"""Rules as people write them: clients, teams, barriers, break-glass, reviews. Walls become barriers."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from assistant.accounts.sql import run_sql

WALLS = """
do $$
declare
  wall record;
  barrier uuid;
begin
  for wall in select * from access_wall loop
    barrier := gen_random_uuid();
    insert into access_barrier (id, kind, matter_id, names, reason, reason_nonce, raised_by_id,
                                raised_at, lift_reason, lift_nonce, lifted_at)
    values (barrier, 'wall', wall.matter_id, '{{}}', wall.reason, wall.reason_nonce,
            wall.raised_by_id, wall.raised_at, wall.lift_reason, wall.lift_nonce, wall.lifted_at);
    insert into access_barriersubject (barrier_id, user_id) values (barrier, wall.user_id);
  end loop;
end $$;
drop trigger follow_wall on access_wall;
drop function auth.follow_wall();
"""
"""Walls are copied before their table goes; there is no way back to it."""


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0004_lists_name_those_who_see'),
        ('accounts', '0005_people_have_a_clearance'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Client',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.RemoveField(
            model_name='matter',
            name='purpose',
        ),
        migrations.AddField(
            model_name='matter',
            name='purposes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, help_text='offered at sign-in', size=None),
        ),
        migrations.AddField(
            model_name='matter',
            name='opens_in_emergency',
            field=models.BooleanField(default=False, help_text='break-glass opens before it is approved'),
        ),
        migrations.CreateModel(
            name='Barrier',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=4)),
                ('document_id', models.UUIDField(null=True)),
                ('names', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=120), default=list, size=None)),
                ('reason', models.TextField()),
                ('reason_nonce', models.BinaryField()),
                ('raised_at', models.DateTimeField(auto_now_add=True)),
                ('lift_reason', models.TextField(default='')),
                ('lift_nonce', models.BinaryField(default=b'')),
                ('lifted_at', models.DateTimeField(null=True)),
                ('lifted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('matter', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='barriers', to='access.matter')),
                ('raised_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('client', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='barriers', to='access.client')),
            ],
        ),
        migrations.CreateModel(
            name='BarrierSubject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('barrier', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subjects', to='access.barrier')),
                ('group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.group')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='matter',
            name='client',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='matters', to='access.client'),
        ),
        migrations.CreateModel(
            name='Emergency',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('matter_id', models.UUIDField()),
                ('document_id', models.UUIDField(null=True)),
                ('asked_for', models.CharField(help_text='the matter as the asker named it', max_length=200)),
                ('why', models.CharField(max_length=20)),
                ('text', models.TextField()),
                ('text_nonce', models.BinaryField()),
                ('minutes', models.PositiveSmallIntegerField()),
                ('asked_at', models.DateTimeField(auto_now_add=True)),
                ('approve_by', models.DateTimeField(help_text='opened before approval: due then', null=True)),
                ('approved_at', models.DateTimeField(null=True)),
                ('refused_at', models.DateTimeField(null=True)),
                ('opened_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(help_text='set once its end is on record', null=True)),
                ('overdue_at', models.DateTimeField(help_text='nobody approved it in time', null=True)),
                ('reviewed_at', models.DateTimeField(null=True)),
                ('verdict', models.CharField(default='', max_length=20)),
                ('verdict_text', models.TextField(default='')),
                ('verdict_nonce', models.BinaryField(default=b'')),
                ('approved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='emergencies', to=settings.AUTH_USER_MODEL)),
                ('reviewed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-asked_at'],
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('opened_at', models.DateTimeField(auto_now_add=True)),
                ('due_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('opened_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-opened_at'],
            },
        ),
        migrations.CreateModel(
            name='ReviewItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.CharField(max_length=10)),
                ('decision', models.CharField(default='', max_length=10)),
                ('decided_at', models.DateTimeField(null=True)),
                ('decided_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('matter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='access.matter')),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='access.review')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='TeamPlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('added_at', models.DateTimeField(auto_now_add=True)),
                ('added_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.group')),
                ('matter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='teams', to='access.matter')),
            ],
        ),
        run_sql(WALLS, ""),
        migrations.DeleteModel(
            name='Wall',
        ),
        migrations.AddConstraint(
            model_name='barriersubject',
            constraint=models.CheckConstraint(condition=models.Q(('user__isnull', True), ('group__isnull', True), _connector='XOR'), name='a_subject_is_a_person_or_a_group'),
        ),
        migrations.AddConstraint(
            model_name='barrier',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['wall', 'seal', 'list'])), name='barrier_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='reviewitem',
            constraint=models.UniqueConstraint(fields=('review', 'matter', 'user'), name='one_item_for_a_place'),
        ),
        migrations.AddConstraint(
            model_name='teamplace',
            constraint=models.UniqueConstraint(fields=('matter', 'group'), name='one_team_place_in_a_matter'),
        ),
    ]
