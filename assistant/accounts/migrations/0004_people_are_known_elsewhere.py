"""People as the house's directory knows them: linked identities, groups, SCIM.

The sign-in connection alone writes here, and makes the accounts of people who come from elsewhere:
account, link and event share one transaction. The application reads groups and nothing else.
"""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from assistant.accounts.sql import run_sql

FORWARDS = r"""
grant select, insert, update, delete on accounts_linkedidentity, accounts_provisioned,
  accounts_signonattempt, accounts_assertionseen, accounts_namelock, accounts_scimtoken, accounts_stranger,
  accounts_group, accounts_groupmember to {signin};
grant select on accounts_group, accounts_groupmember to {app};
grant insert, update on accounts_user to {signin};
grant delete on accounts_session to {signin};
grant usage, select on sequence accounts_user_id_seq to {signin};

grant execute on function auth.is_in_a_matter(bigint) to {signin};

-- Everything that could still act for a person, work that outlives its session included.
create function auth.close_person(person bigint) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from auth.session where uid = person
$$;
revoke all on function auth.close_person(bigint) from public;
grant execute on function auth.close_person(bigint) to {signin};
"""

BACKWARDS = """
drop function auth.close_person(bigint);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_second_factors'),
    ]

    operations = [
        migrations.CreateModel(
            name='AssertionSeen',
            fields=[
                ('digest', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('expires_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Group',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=200)),
                ('external_id', models.CharField(max_length=255, null=True, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name='NameLock',
            fields=[
                ('name_hash', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('failed_attempts', models.PositiveIntegerField(default=0)),
                ('locked_until', models.DateTimeField(null=True)),
                ('changed_at', models.DateTimeField(auto_now=True, db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Provisioned',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to=settings.AUTH_USER_MODEL)),
                ('external_id', models.CharField(max_length=255, null=True, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name='ScimToken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SignOnAttempt',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('way', models.CharField(max_length=10)),
                ('state_hash', models.CharField(max_length=64, unique=True)),
                ('browser_hash', models.CharField(max_length=64)),
                ('nonce', models.CharField(default='', max_length=64)),
                ('verifier', models.CharField(default='', max_length=128)),
                ('wanted', models.CharField(default='', max_length=500)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('answered_at', models.DateTimeField(null=True)),
                ('claimed', models.JSONField(null=True)),
                ('ticket_hash', models.CharField(max_length=64, null=True, unique=True)),
            ],
        ),
        migrations.CreateModel(
            name='Stranger',
            fields=[
                ('reference', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('way', models.CharField(max_length=20)),
                ('issuer', models.CharField(max_length=255)),
                ('subject', models.CharField(max_length=255)),
                ('name', models.CharField(default='', max_length=150)),
                ('seen_at', models.DateTimeField(db_index=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('issuer', 'subject'), name='one_stranger_a_subject')],
            },
        ),
        migrations.CreateModel(
            name='GroupMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('added_at', models.DateTimeField(auto_now_add=True)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='members', to='accounts.group')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='group_places', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('group', 'user'), name='one_place_in_a_group')],
            },
        ),
        migrations.CreateModel(
            name='LinkedIdentity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('issuer', models.CharField(max_length=255)),
                ('subject', models.CharField(max_length=255)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='identities', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('issuer', 'subject'), name='one_person_a_subject')],
            },
        ),
        run_sql(FORWARDS, BACKWARDS),
    ]
