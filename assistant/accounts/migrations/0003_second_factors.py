"""Second factors, sessions that know how far they are signed in, and roles that stay apart."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from assistant.accounts.sql import run_sql

FORWARDS = r"""
-- Secrets, keys and codes: for the sign-in role alone, each change with its event in one transaction.
grant select, insert, update, delete
  on accounts_authenticator, accounts_passkey, accounts_recoverycode to {signin};
grant usage, select on sequence accounts_recoverycode_id_seq to {signin};
grant insert (header) on compliance_event to {signin};
grant execute on function auth.uid() to {signin};
create policy "signing in is recorded" on compliance_event for insert to {signin}
  with check ((select auth.uid()) is null);

-- How far a session is signed in, and until when somebody needs no second factor, is written by the
-- sign-in role. The application's role may write the rest of these rows.
grant select, update (signed_in_at, stepped_up_at, factor) on accounts_session to {signin};
grant update (second_factor_due_at) on accounts_user to {signin};

create function auth.is_application() returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select '"' || current_user || '"' = $name${app}$name$
     and $name${app}$name$ <> $name${signin}$name$
$$;

create function auth.keep_session_marks() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if auth.is_application() and (case tg_op
      when 'INSERT' then new.signed_in_at is not null or new.stepped_up_at is not null
        or new.factor <> ''
      else (new.signed_in_at, new.stepped_up_at, new.factor)
        is distinct from (old.signed_in_at, old.stepped_up_at, old.factor) end)
  then
    raise exception 'only the sign-in role says how far a session is signed in'
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger keep_session_marks before insert or update on accounts_session
  for each row execute function auth.keep_session_marks();

create function auth.keep_exemption() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  if auth.is_application() and (case tg_op
      when 'INSERT' then new.second_factor_due_at is not null
      else new.second_factor_due_at is distinct from old.second_factor_due_at end)
  then
    raise exception 'only the sign-in role lets anybody do without a second factor'
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger keep_exemption before insert or update on accounts_user
  for each row execute function auth.keep_exemption();

-- Which browser sessions still enter an identity, all in one question for all sockets of a process.
create function auth.open_among(wanted uuid[]) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select s.public_id from auth.session s
    join public.accounts_user u on u.id = s.uid and u.is_active
    join public.accounts_session b on b.public_id = s.public_id and b.signed_in_at is not null
   where s.public_id = any (wanted) and s.parent is null and s.expires_at > clock_timestamp()
$$;

-- Whether the person who is entered proved who they are within the last minutes.
create function auth.stepped_up(minutes int) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select exists (select 1 from public.accounts_session b
                  where b.public_id = auth.session_id()
                    and b.stepped_up_at > clock_timestamp() - make_interval(mins => minutes))
$$;

-- Asked when somebody is to become administrator, who is in no matter. Tells no more than that.
create function auth.is_in_a_matter(person bigint) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
  return exists (select 1 from auth.member m where m.uid = person);
end $$;

revoke all on function auth.open_among(uuid[]), auth.stepped_up(int), auth.is_in_a_matter(bigint),
  auth.keep_session_marks(), auth.keep_exemption(), auth.is_application() from public;
grant execute on function auth.open_among(uuid[]), auth.stepped_up(int),
  auth.is_in_a_matter(bigint), auth.is_application() to {app};
grant execute on function auth.is_application() to {signin};
"""

BACKWARDS = r"""
drop trigger keep_session_marks on accounts_session;
drop trigger keep_exemption on accounts_user;
drop function auth.keep_session_marks(), auth.keep_exemption(), auth.is_application(),
  auth.open_among(uuid[]), auth.stepped_up(int), auth.is_in_a_matter(bigint);
drop policy "signing in is recorded" on compliance_event;
revoke all on accounts_authenticator, accounts_passkey, accounts_recoverycode from {signin};
"""



class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_the_database_knows_who_asks'),
        ('compliance', '0001_the_record'),
    ]

    operations = [
        migrations.CreateModel(
            name='Authenticator',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('sealed_secret', models.BinaryField()),
                ('last_step', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('last_used_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Passkey',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=60)),
                ('rp_id', models.CharField(max_length=255)),
                ('credential_id', models.BinaryField(unique=True)),
                ('public_key', models.BinaryField()),
                ('sign_count', models.BigIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='RecoveryCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code_hash', models.CharField(max_length=100)),
                ('made_at', models.DateTimeField(auto_now_add=True)),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('used_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='session',
            name='factor',
            field=models.CharField(default='', max_length=20),
        ),
        migrations.AddField(
            model_name='session',
            name='signed_in_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='session',
            name='stepped_up_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='user',
            name='second_factor_due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('roles__contains', ['administrator']), _negated=True), ('roles', ['administrator']), _connector='OR'), name='an_administrator_is_nothing_else'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('roles__contains', ['auditor', 'knowledge_manager']), _negated=True), name='an_auditor_opens_no_matter'),
        ),
        migrations.AddField(
            model_name='authenticator',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='passkey',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='recoverycode',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='authenticator',
            constraint=models.UniqueConstraint(condition=models.Q(('confirmed_at__isnull', False)), fields=('user',), name='one_authenticator_app'),
        ),
        migrations.AddConstraint(
            model_name='authenticator',
            constraint=models.UniqueConstraint(condition=models.Q(('confirmed_at__isnull', True)), fields=('user',), name='one_authenticator_app_being_set_up'),
        ),
        run_sql(FORWARDS, BACKWARDS),
    ]
