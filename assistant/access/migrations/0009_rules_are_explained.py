"""Rules of any time, for those whose work is to look at rules: auditors, privacy officers, the operator.

`auth.facts_in` gives the facts about a few matters, so that a question about one document does not
read the history of all. What existed before there was a history is in it from now on.
"""

from django.db import migrations

from assistant.accounts.sql import run_sql

FORWARDS = r"""
create index facts_by_key on auth.fact (kind, key);
create index facts_of_matters on auth.fact ((data ->> 'matter_id'), kind)
  where data ->> 'matter_id' is not null;
create index facts_of_people on auth.fact ((data ->> 'user_id'), kind)
  where data ->> 'user_id' is not null;
create index facts_of_groups on auth.fact ((data ->> 'group_id'), kind)
  where data ->> 'group_id' is not null;
create index facts_of_grants on auth.fact ((data ->> 'document_id'), kind)
  where data ->> 'document_id' is not null;
create index facts_of_barriers on auth.fact ((data ->> 'document'))
  where data ->> 'document' is not null;

-- Where owner and application share a role, row security is upon it; see accounts/sql.py.
select set_config('search_path', 'pg_catalog, public, pg_temp', true);

-- Rights and barriers of before are compiled: their triggers came after them.
select auth.compile_barrier(b.id) from access_barrier b where b.lifted_at is null;
select auth.rebuild(u.id) from accounts_user u order by u.id;

-- The same as the trigger keeps, for rows that were there before it.
create function auth.remember_rows(kind text, rows jsonb[], fields text) returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
  insert into auth.fact (kind, key, data, since)
  select remember_rows.kind, coalesce(r ->> 'id', md5(k.kept::text)), k.kept, now()
    from unnest(rows) r, lateral (
      select jsonb_object_agg(e.key, e.value) as kept from jsonb_each(r) e
       where e.key = any (string_to_array(fields, ','))) k
  on conflict do nothing
$$;
select auth.remember_rows('member', array_agg(to_jsonb(r)), 'matter_id,user_id,level')
  from access_membership r;
select auth.remember_rows('place', array_agg(to_jsonb(r)), 'group_id,user_id')
  from accounts_groupmember r;
select auth.remember_rows('person', array_agg(to_jsonb(r)), 'id,clearance,is_active,purposes,roles')
  from accounts_user r;
select auth.remember_rows('matter', array_agg(to_jsonb(r)), 'id,client_id') from access_matter r;
select auth.remember_rows('barrier', array_agg(to_jsonb(r)),
  'id,kind,matter_id,client_id,document_id,names,lifted_at') from access_barrier r;
select auth.remember_rows('subject', array_agg(to_jsonb(r)), 'barrier_id,user_id,group_id')
  from access_barriersubject r;
select auth.remember_rows('document', array_agg(to_jsonb(r)),
  'id,matter_id,classification,purposes,is_restricted,deleted_at') from documents_document r;
drop function auth.remember_rows(text, jsonb[], text);
reset search_path;
insert into auth.fact (kind, key, data, since) values ('history', 'begins', '{{}}', now());

create function auth.may_read_rules() returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select auth.has_role('privacy_officer') or auth.has_role('auditor')
      or auth.uid() is null and '"' || session_user || '"' = $name${owner}$name$
$$;

create or replace function auth.facts_at(at timestamptz) returns table (kind text, data jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select f.kind, f.data from auth.fact f
   where f.since <= at and (f.until is null or f.until > at) and (select auth.may_read_rules())
$$;

create function auth.history_begins() returns timestamptz
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select min(f.since) from auth.fact f where f.kind = 'history'
$$;

-- Grows with every change of anybody's rights.
create function auth.rules_version() returns bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce((select last_value from pg_sequences
                    where schemaname = 'auth' and sequencename = 'change_id_seq'), 0)
$$;

-- The facts about these matters: of one document in them, or of all. `people` are told of too.
create function auth.facts_in(at timestamptz, matters uuid[], document uuid, people bigint[])
returns table (kind text, data jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with held as not materialized (
    select f.kind, f.key, f.data from auth.fact f
     where f.since <= at and (f.until is null or f.until > at) and (select auth.may_read_rules())),
  papers as materialized (
    select h.* from held h where document is null and h.kind = 'document'
       and h.data ->> 'matter_id' = any (matters::text[])
    union all
    select h.* from held h where h.kind = 'document' and h.key = document::text),
  places as materialized (
    select h.* from held h where h.kind in ('member', 'team', 'emergency')
       and h.data ->> 'matter_id' = any (matters::text[])),
  persons as materialized (
    select coalesce(p.data ->> 'user_id', p.data ->> 'person_id') as id from places p
     where p.kind <> 'team'
    union
    select h.data ->> 'user_id' from held h join places p on p.kind = 'team'
       and h.kind = 'place' and h.data ->> 'group_id' = p.data ->> 'group_id'
    union
    select i::text from unnest(people) i)
  select p.kind, p.data from places p
  union all
  select p.kind, p.data from papers p
  union all
  select h.kind, h.data from held h where h.kind = 'matter' and h.key = any (matters::text[])
  union all
  select h.kind, h.data from held h join papers p
      on h.kind = 'grant' and h.data ->> 'document_id' = p.key
  union all
  select h.kind, h.data from held h join papers p
      on h.kind = 'behind' and h.data ->> 'document' = p.key
  union all
  select h.kind, h.data - 'names' from held h where h.kind in ('barrier', 'subject')
  union all
  select h.kind, h.data from held h join persons p on h.kind = 'person' and h.key = p.id
  union all
  select h.kind, h.data from held h join persons p
      on h.kind = 'place' and h.data ->> 'user_id' = p.id
$$;

-- The matters that a person was in, by name, by team or by break-glass.
create function auth.matters_at(person bigint, at timestamptz) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with held as not materialized (
    select f.kind, f.key, f.data from auth.fact f
     where f.since <= at and (f.until is null or f.until > at) and (select auth.may_read_rules()))
  select (h.data ->> 'matter_id')::uuid from held h
   where h.kind = 'member' and h.data ->> 'user_id' = person::text
  union
  select (t.data ->> 'matter_id')::uuid from held p
    join held t on t.kind = 'team' and t.data ->> 'group_id' = p.data ->> 'group_id'
   where p.kind = 'place' and p.data ->> 'user_id' = person::text
  union
  select (h.data ->> 'matter_id')::uuid from held h
   where h.kind = 'emergency' and h.data ->> 'person_id' = person::text
$$;

-- The matter of a document; the matters of a client, of a team; null or none where there is none.
create function auth.matters_about(at timestamptz, document uuid, client uuid, team uuid)
returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select case f.kind when 'matter' then f.key::uuid else (f.data ->> 'matter_id')::uuid end
    from auth.fact f
   where f.since <= at and (f.until is null or f.until > at) and (select auth.may_read_rules())
     and (f.kind = 'document' and f.key = document::text
          or f.kind = 'matter' and f.data ->> 'client_id' = client::text
          or f.kind = 'team' and f.data ->> 'group_id' = team::text)
$$;

create function auth.people_in_group(at timestamptz, wanted uuid) returns setof bigint
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select (f.data ->> 'user_id')::bigint from auth.fact f
   where f.kind = 'place' and f.data ->> 'group_id' = wanted::text
     and f.since <= at and (f.until is null or f.until > at) and (select auth.may_read_rules())
$$;

-- The matters that a barrier that stands touches.
create function auth.matters_behind(at timestamptz, barrier uuid) returns setof uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with held as not materialized (
    select f.kind, f.key, f.data from auth.fact f
     where f.since <= at and (f.until is null or f.until > at) and (select auth.may_read_rules())),
  wanted as (select h.* from held h where h.kind = 'barrier' and h.key = barrier::text)
  select (w.data ->> 'matter_id')::uuid from wanted w where w.data ->> 'matter_id' is not null
  union
  select m.key::uuid from wanted w join held m
      on m.kind = 'matter' and m.data ->> 'client_id' = w.data ->> 'client_id'
  union
  select (d.data ->> 'matter_id')::uuid from wanted w
    join held b on b.kind = 'behind' and b.data ->> 'barrier' = w.key
    join held d on d.kind = 'document' and d.key = b.data ->> 'document'
$$;

-- The documents that speak of one of these names, with their matters.
create function auth.documents_speaking_of(names text[]) returns table (document uuid, matter uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select d.id, d.matter_id from documents_document d
   where (select auth.may_read_rules()) and d.deleted_at is null and auth.speaks_of(d, names)
$$;

revoke all on all functions in schema auth from public;
grant execute on function auth.facts_in(timestamptz, uuid[], uuid, bigint[]),
  auth.matters_at(bigint, timestamptz), auth.matters_about(timestamptz, uuid, uuid, uuid),
  auth.matters_behind(timestamptz, uuid), auth.people_in_group(timestamptz, uuid),  auth.documents_speaking_of(text[]), auth.history_begins(), auth.rules_version() to {app};
"""

BACKWARDS = """
do $$ begin raise exception 'there is no way back from here: restore a backup'; end $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0008_break_glass_is_noticed_and_reads_only"),
        ("documents", "0004_documents_have_labels"),
    ]
    operations = [run_sql(FORWARDS, BACKWARDS)]
