"""Identity: who a transaction acts for, in a form the application's role cannot forge.

`auth.enter(token)` looks the token's hash up among the open sessions and leaves a setting behind
that lives as long as the transaction: user, session, and a MAC over both, this backend and this
transaction. `auth.uid()` believes the setting only when the MAC is right. The key is in a table
that only functions of the owner can read. Design and measurements: docs/architecture.md.
"""

from django.db import migrations

from assistant.accounts.sql import run_sql

FORWARDS = r"""
create schema auth;
revoke all on schema auth from public;
grant usage on schema auth to {app}, {signin};

create table auth.secret (id int primary key check (id = 1), inner_key bytea, outer_key bytea);
do $$
declare
  key bytea := sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'))
            || sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8'));
  inner_key bytea := key;
  outer_key bytea := key;
begin
  for i in 0..63 loop
    inner_key := set_byte(inner_key, i, get_byte(key, i) # 54);   -- 0x36, RFC 2104
    outer_key := set_byte(outer_key, i, get_byte(key, i) # 92);   -- 0x5c
  end loop;
  insert into auth.secret values (1, inner_key, outer_key);
end $$;

create table auth.session (
  token_hash bytea primary key,
  uid bigint not null references accounts_user (id) on delete cascade,
  public_id uuid not null default gen_random_uuid(),
  parent bytea references auth.session (token_hash) on delete cascade,
  expires_at timestamptz not null
);
create index on auth.session (uid);
create unique index on auth.session (public_id) where parent is null;
create index on auth.session (parent);

-- HMAC-SHA-256 (RFC 2104); PostgreSQL without pgcrypto has no hmac() of its own.
create function auth.mac(message text) returns text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select encode(sha256(s.outer_key || sha256(s.inner_key || convert_to(message, 'UTF8'))), 'hex')
  from auth.secret s where s.id = 1
$$;

create function auth.context_message(identity text) returns text
language sql stable set search_path = pg_catalog, pg_temp as $$
  select 'context.' || identity || '.' || pg_backend_pid()::text || '.'
      || extract(epoch from transaction_timestamp())::text
$$;

create function auth.enter(token text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  found record;
  identity text;
begin
  select s.uid, s.public_id into found
    from auth.session s join public.accounts_user u on u.id = s.uid
   where s.token_hash = sha256(convert_to(token, 'UTF8'))
     and s.expires_at > clock_timestamp() and u.is_active
     and (s.parent is null or exists (
           select 1 from auth.session p
            where p.token_hash = s.parent and p.expires_at > clock_timestamp()));
  if found.uid is null then
    raise exception 'this session is not open' using errcode = '28000';
  end if;
  identity := found.uid::text || '/' || found.public_id::text;
  perform set_config('cloister.identity',
                     identity || '.' || auth.mac(auth.context_message(identity)), true);
  return found.uid;
end $$;

create function auth.identity() returns text
language plpgsql stable security definer parallel restricted
set search_path = pg_catalog, pg_temp as $$
declare
  setting text := current_setting('cloister.identity', true);
  identity text;
begin
  if setting is null or setting = '' then
    return null;
  end if;
  identity := split_part(setting, '.', 1);
  if split_part(setting, '.', 2) is distinct from auth.mac(auth.context_message(identity)) then
    raise exception 'this identity is not genuine' using errcode = '28000';
  end if;
  return identity;
end $$;

create function auth.uid() returns bigint
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select split_part(auth.identity(), '/', 1)::bigint $$;

create function auth.session_id() returns uuid
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select split_part(auth.identity(), '/', 2)::uuid $$;

create function auth.person() returns uuid
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select u.public_id from public.accounts_user u where u.id = auth.uid() $$;

create function auth.has_role(role text) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select coalesce((select role = any (u.roles) and u.is_active
                     from public.accounts_user u where u.id = auth.uid()), false)
$$;

create function auth.open_session(token text, user_id bigint, session_id uuid, until timestamptz)
returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from auth.session where expires_at < now() - interval '1 day';
  insert into auth.session (token_hash, uid, public_id, expires_at)
  values (sha256(convert_to(token, 'UTF8')), user_id, session_id, until)
  on conflict (token_hash) do update set expires_at = excluded.expires_at
$$;

-- Work begun in a session ends with it (see the foreign key of `parent`).
create function auth.close_session(session_id uuid) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  delete from auth.session where public_id = session_id and parent is null
$$;

-- An answer is made for as long as the session it was asked in, and no longer. A document is read
-- also after its uploader has signed out; rights are checked anew at each step all the same.
create function auth.delegate(token text, minutes int, outlives_session boolean) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if auth.uid() is null then
    raise exception 'nobody is signed in' using errcode = '28000';
  end if;
  insert into auth.session (token_hash, uid, public_id, parent, expires_at)
  select sha256(convert_to(token, 'UTF8')), s.uid,
         case when outlives_session then gen_random_uuid() else s.public_id end,
         case when outlives_session then null else s.token_hash end,
         now() + make_interval(mins => minutes)
    from auth.session s where s.public_id = auth.session_id() and s.parent is null;
end $$;

revoke all on all functions in schema auth from public;
grant execute on function auth.enter(text), auth.uid(), auth.session_id(), auth.person(),
  auth.has_role(text), auth.delegate(text, int, boolean) to {app};
grant execute on function auth.open_session(text, bigint, uuid, timestamptz),
  auth.close_session(uuid)
  to {signin};

grant select, insert, update on accounts_user to {app};
grant select, insert, update, delete on accounts_session to {app};
grant select on accounts_user to {signin};
grant select, insert, update on accounts_credential to {signin};
grant usage, select on sequence accounts_user_id_seq to {app};
"""

BACKWARDS = """
revoke all on accounts_user, accounts_session, accounts_credential from {app}, {signin};
drop schema auth cascade;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_people_sign_in")]
    operations = [run_sql(FORWARDS, BACKWARDS)]
