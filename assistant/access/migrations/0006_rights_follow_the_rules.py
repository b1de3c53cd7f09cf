"""Rights: the rules, compiled for each person and purpose into the bits that row security reads.

A matter has a group of its own (the matter's row, its members, what is asked in it) and one group
for each set of labels its documents carry. `auth.rebuild(person)` works out which groups a person
may see: matters they are in, by name or by team; their clearance; grants on restricted documents;
the purpose of the session; and the barriers, which beat everything. It runs in the transaction that
changes a rule, so the next query already obeys. Break-glass is not compiled: it ends by the clock.
"""

from django.db import migrations

from assistant.accounts.sql import run_sql

GROUPS = r"""
alter table auth.acl_group
  add column label text not null default '',
  add column classification smallint not null default 0,
  add column purposes text[] not null default '{{}}',
  add column people bigint[],
  add column teams uuid[],
  add column barriers uuid[] not null default '{{}}',
  add column client uuid;
create unique index one_group_for_a_label on auth.acl_group (matter, label);
create index groups_of_a_client on auth.acl_group (client) where client is not null;
create index groups_behind_barriers on auth.acl_group using gin (barriers) where barriers <> '{{}}';

-- Each committed change of anybody's rights, so that workers and sockets notice it.
create table auth.change (id bigint generated always as identity primary key,
                          at timestamptz not null default now());
create function auth.note_change() returns void
language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  delete from auth.change where id in (
    select id from auth.change where at < now() - interval '1 hour' for update skip locked);
  insert into auth.change default values
$$;

create table auth.barrier (
  id uuid primary key,
  kind text not null,
  matter uuid,
  client uuid,
  document uuid,
  names text[] not null,
  people bigint[] not null,
  groups uuid[] not null
);
create table auth.document_barrier (
  document uuid not null,
  barrier uuid not null,
  by_name boolean not null,
  primary key (document, barrier)
);
create index on auth.document_barrier (barrier);

-- Which group documents of these labels are in; makes it when it is the first of its kind.
create function auth.group_for(wanted uuid, classification smallint, purposes text[],
  restricted boolean, people bigint[], teams uuid[], barriers uuid[], alone uuid) returns int
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  sorted_purposes text[] := array(select distinct p from unnest(purposes) p order by 1);
  sorted_people bigint[] := array(select distinct p from unnest(people) p order by 1);
  sorted_teams uuid[] := array(select distinct t from unnest(teams) t order by 1);
  sorted_barriers uuid[] := array(select distinct b from unnest(barriers) b order by 1);
  key text := 'c' || classification
    || '/p:' || array_to_string(sorted_purposes, ',')
    || case when restricted
            then '/r:' || array_to_string(sorted_people, ',') || '+'
                 || array_to_string(sorted_teams, ',') else '' end
    || case when sorted_barriers <> '{{}}'
            then '/b:' || array_to_string(sorted_barriers, ',') else '' end
    || coalesce('/d:' || alone, '');
  found int;
begin
  select g.id into found from auth.acl_group g where g.matter = wanted and g.label = key;
  if found is not null then
    return found;
  end if;
  insert into auth.acl_group (matter, founder, label, classification, purposes, people, teams,
                              barriers, client)
  select wanted, g.founder, key, group_for.classification, sorted_purposes,
         case when restricted then sorted_people end, case when restricted then sorted_teams end,
         sorted_barriers, g.client
    from auth.acl_group g where g.matter = wanted and g.label = ''
  on conflict (matter, label) do nothing returning id into found;
  if found is null then
    select g.id into found from auth.acl_group g where g.matter = wanted and g.label = key;
    return found;
  end if;
  perform auth.rebuild_matter(wanted);
  return found;
end $$;

create or replace function auth.give_group() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into auth.acl_group (matter, founder, client)
  values (new.id, new.created_by_id, new.client_id) returning id into new.acl_group;
  insert into auth.acl_group (matter, founder, client, label)
  values (new.id, new.created_by_id, new.client_id, 'c0/p:');
  return new;
end $$;
insert into auth.acl_group (matter, founder, label)
select matter, founder, 'c0/p:' from auth.acl_group;

create or replace function auth.group_of(wanted uuid) returns int
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select g.id from auth.acl_group g where g.matter = wanted and g.label = '' $$;
"""

RIGHTS = r"""
delete from auth.rights;
alter table auth.rights drop constraint rights_pkey,
  add column purpose text not null default '',
  add primary key (uid, purpose);
alter table auth.session add column purpose text not null default '';
drop table auth.wall;

create function auth.teams_of(person bigint) returns uuid[]
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(array_agg(m.group_id), '{{}}') from accounts_groupmember m
   where m.user_id = person
$$;

create function auth.matters_of(person bigint) returns uuid[]
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(array_agg(m.matter), '{{}}') from (
    select matter from auth.member where uid = person
    union
    select t.matter_id from access_teamplace t where t.group_id = any (auth.teams_of(person))) m
   where not exists (
     select 1 from accounts_user u where u.id = person and 'administrator' = any (u.roles))
$$;

create function auth.people_of(wanted uuid) returns setof bigint
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select uid from auth.member where matter = wanted
  union
  select m.user_id from access_teamplace t join accounts_groupmember m on m.group_id = t.group_id
   where t.matter_id = wanted
  union
  select e.person_id from access_emergency e
   where e.matter_id = wanted and e.expires_at > clock_timestamp()
$$;

-- The groups that barriers close to a person. A wall closes to those it names, a seal or a list to
-- all it does not name.
create function auth.denied_groups(person bigint) returns int[]
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  with against as (
    select b.* from auth.barrier b
     where (b.kind = 'wall') = (person = any (b.people) or b.groups && auth.teams_of(person)))
  select coalesce(array_agg(distinct g.id), '{{}}') from auth.acl_group g
   where exists (select 1 from against b
                  where g.matter = b.matter or g.client = b.client or b.id = any (g.barriers))
$$;

create or replace function auth.rebuild(person bigint) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  denied_ids int[];
  in_matters uuid[];
  in_teams uuid[];
  ceiling smallint;
begin
  -- One at a time for each person: of two changes at once, the second must see the first.
  perform pg_advisory_xact_lock(hashtextextended('cloister.rights', person));
  select u.clearance into ceiling from accounts_user u where u.id = person;
  denied_ids := auth.denied_groups(person);
  in_matters := auth.matters_of(person);
  in_teams := auth.teams_of(person);
  delete from auth.rights r where r.uid = person;
  insert into auth.rights (uid, purpose, groups, bits, denied)
  select person, p.purpose, p.ids, auth.mask(p.ids), auth.mask(denied_ids) from (
    select purpose, coalesce(array_agg(g.id order by g.id) filter (where g.id is not null), '{{}}')
           as ids
      from (select '' as purpose union
            select distinct unnest(a.purposes) from auth.acl_group a
             where a.matter = any (in_matters)) purposes
      left join auth.acl_group g
        on g.matter = any (in_matters) and g.classification <= ceiling
       and (g.people is null or person = any (g.people) or g.teams && in_teams)
       and (g.purposes = '{{}}' or purpose = any (g.purposes))
       and g.id <> all (denied_ids)
     group by purpose) p;
  perform auth.note_change();
end $$;

create function auth.rebuild_matter(wanted uuid) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update auth.acl_group set epoch = epoch + 1 where matter = wanted;
  perform auth.rebuild(p) from (select p from auth.people_of(wanted) p order by p) people;
end $$;

-- Break-glass that is open now, as groups. Clearance, purpose and grants do not bind it; barriers do.
create function auth.emergency_groups(person bigint) returns int[]
language sql volatile security definer parallel restricted
set search_path = pg_catalog, public, pg_temp as $$
  select coalesce(array_agg(distinct g.id), '{{}}')
    from access_emergency e
    join auth.acl_group g on g.matter = e.matter_id
     and (e.document_id is null or g.label = '' or g.label like '%/d:' || e.document_id)
    join accounts_user u on u.id = e.person_id and u.is_active
     and not 'administrator' = any (u.roles)
   where e.person_id = person and e.opened_at is not null and e.expires_at > clock_timestamp()
     and g.id <> all (auth.denied_groups(person))
$$;

create function auth.purpose() returns text
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select split_part(auth.identity(), '/', 3) $$;

create function auth.my_rights() returns auth.rights
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select r from auth.rights r
   where r.uid = auth.uid() and r.purpose in ('', auth.purpose())
   order by r.purpose desc limit 1
$$;

create function auth.in_emergency() returns boolean
language sql volatile security definer parallel restricted
set search_path = pg_catalog, public, pg_temp as $$
  select exists (select 1 from access_emergency e where e.person_id = auth.uid()
                    and e.opened_at is not null and e.expires_at > clock_timestamp())
$$;

create or replace function auth.my_groups() returns int[]
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select coalesce((auth.my_rights()).groups, '{{}}')
      || case when auth.in_emergency()
              then array(select g from unnest(auth.emergency_groups(auth.uid())) g
                          where g <> all (coalesce((auth.my_rights()).groups, '{{}}')))
              else '{{}}'::int[] end
$$;

create or replace function auth.bits() returns bytea
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select auth.padded(case when auth.in_emergency() then auth.mask(auth.my_groups())
                          else (auth.my_rights()).bits end)
$$;

create or replace function auth.denied_bits() returns bytea
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select auth.padded(case when auth.in_emergency() then auth.mask(auth.denied_groups(auth.uid()))
                          else (auth.my_rights()).denied end)
$$;

create or replace function auth.leads(wanted uuid) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select exists (select 1 from auth.member m
                  where m.uid = auth.uid() and m.matter = wanted and m.leads)
     and auth.group_of(wanted) = any (auth.my_groups())
$$;

-- Who may share cached prompts: those who see the same groups of the matter, for as long as nothing
-- about them changes.
create function auth.scope_key(wanted uuid) returns text
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select string_agg(g.id || '.' || g.epoch, ',' order by g.id) from auth.acl_group g
   where g.matter = wanted and g.id = any (auth.my_groups())
$$;
drop function auth.epoch(uuid);

-- Everybody who sees a matter, by name or by team, for whoever sees it too.
create function auth.people_in(wanted uuid) returns setof bigint
language sql stable security definer parallel restricted set search_path = pg_catalog, public, pg_temp
as $$
  select distinct r.uid from auth.acl_group g
    join auth.rights r on g.id = any (r.groups)
    join accounts_user u on u.id = r.uid and u.is_active
   where g.matter = wanted and g.label = '' and g.id = any (auth.my_groups())
$$;

-- Changes whenever somebody's rights may have, also by the clock alone. The tokens that work is
-- done with are left out: each question makes one, and they end with their session.
create index sessions_of_their_own on auth.session (expires_at) where parent is null;
create function auth.change_stamp() returns text
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  select (select count(*) || '.' || coalesce(max(id), 0) from auth.change)
      || '.' || (select count(*) from access_emergency where expires_at <= clock_timestamp())
      || '.' || (select count(*) || '.' || count(*) filter (where expires_at <= clock_timestamp())
                   from auth.session where parent is null)
$$;
"""

IDENTITY = r"""
create or replace function auth.enter(token text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  found record;
  identity text;
begin
  select s.uid, s.public_id, s.purpose into found
    from auth.session s join public.accounts_user u on u.id = s.uid
   where s.token_hash = sha256(convert_to(token, 'UTF8'))
     and s.expires_at > clock_timestamp() and u.is_active
     and (s.parent is null or exists (
           select 1 from auth.session p
            where p.token_hash = s.parent and p.expires_at > clock_timestamp()
              and p.purpose = s.purpose));
  if found.uid is null then
    raise exception 'this session is not open' using errcode = '28000';
  end if;
  identity := found.uid::text || '/' || found.public_id::text || '/' || found.purpose;
  perform set_config('cloister.identity',
                     identity || '.' || auth.mac(auth.context_message(identity)), true);
  return found.uid;
end $$;

create or replace function auth.delegate(token text, minutes int, outlives_session boolean)
returns void language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if auth.uid() is null then
    raise exception 'nobody is signed in' using errcode = '28000';
  end if;
  insert into auth.session (token_hash, uid, public_id, parent, expires_at, purpose)
  select sha256(convert_to(token, 'UTF8')), s.uid,
         case when outlives_session then gen_random_uuid() else s.public_id end,
         case when outlives_session then null else s.token_hash end,
         now() + make_interval(mins => minutes), s.purpose
    from auth.session s where s.public_id = auth.session_id() and s.parent is null;
end $$;

-- The purpose of this session, and of the work that is begun in it from now on. Work that was begun
-- for another purpose ends: see auth.enter.
create function auth.choose_purpose(wanted text) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if wanted !~ '^[a-z_]{{0,40}}$' or not exists (
       select 1 from accounts_user u where u.id = auth.uid()
          and (wanted = '' or u.purposes = '{{}}' or wanted = any (u.purposes))) then
    return false;
  end if;
  update auth.session set purpose = wanted
   where public_id = auth.session_id() and uid = auth.uid() and parent is null;
  perform auth.note_change();
  return true;
end $$;
"""

TRIGGERS = r"""
create or replace function auth.follow_membership() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    delete from auth.member where uid = old.user_id and matter = old.matter_id;
    update auth.acl_group set epoch = epoch + 1 where matter = old.matter_id;
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    insert into auth.member (uid, matter, leads)
    values (new.user_id, new.matter_id, new.level = 'lead');
    update auth.acl_group set epoch = epoch + 1 where matter = new.matter_id;
    perform auth.rebuild(new.user_id);
  end if;
  if tg_op = 'DELETE' or tg_op = 'UPDATE' and old.user_id <> new.user_id then
    perform auth.rebuild(old.user_id);
  end if;
  return null;
end $$;

create function auth.follow_team() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  place access_teamplace := case when tg_op = 'DELETE' then old else new end;
begin
  update auth.acl_group set epoch = epoch + 1 where matter = place.matter_id;
  perform auth.rebuild(m.user_id) from (
    select user_id from accounts_groupmember where group_id = place.group_id order by 1) m;
  return null;
end $$;
create trigger follow_team after insert or delete on access_teamplace
  for each row execute function auth.follow_team();

create function auth.follow_group_place() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  place accounts_groupmember := case when tg_op = 'DELETE' then old else new end;
begin
  update auth.acl_group g set epoch = epoch + 1
    from access_teamplace t where t.group_id = place.group_id and g.matter = t.matter_id;
  perform auth.rebuild(place.user_id);
  return null;
end $$;
create trigger follow_group_place after insert or delete on accounts_groupmember
  for each row execute function auth.follow_group_place();

create function auth.follow_person() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform auth.rebuild(new.id);
  return null;
end $$;
create trigger follow_person after update of clearance, is_active, roles on accounts_user
  for each row when (old.clearance <> new.clearance or old.is_active <> new.is_active
                     or old.roles <> new.roles)
  execute function auth.follow_person();

create function auth.follow_client() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update auth.acl_group set client = new.client_id where matter = new.id;
  perform auth.rebuild_matter(new.id);
  return null;
end $$;
create trigger follow_client after update of client_id on access_matter
  for each row when (old.client_id is distinct from new.client_id)
  execute function auth.follow_client();

-- Everybody whom a barrier may concern: the people of the matters it touches.
create function auth.rebuild_behind(barrier uuid, matter uuid, client uuid) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform auth.rebuild_matter(m.matter) from (
    select distinct g.matter from auth.acl_group g
     where g.matter = rebuild_behind.matter or g.client = rebuild_behind.client
        or rebuild_behind.barrier = any (g.barriers) order by 1) m;
end $$;

create function auth.compile_barrier(wanted uuid) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  was auth.barrier := (select b from auth.barrier b where b.id = wanted);
begin
  delete from auth.barrier b where b.id = wanted;
  insert into auth.barrier (id, kind, matter, client, document, names, people, groups)
  select b.id, b.kind, b.matter_id, b.client_id, b.document_id, b.names,
         array(select user_id from access_barriersubject s
                where s.barrier_id = b.id and s.user_id is not null),
         array(select group_id from access_barriersubject s
                where s.barrier_id = b.id and s.group_id is not null)
    from access_barrier b where b.id = wanted and b.lifted_at is null;
  perform auth.rebuild_behind(wanted, coalesce(was.matter, b.matter_id),
                              coalesce(was.client, b.client_id))
     from access_barrier b where b.id = wanted;
end $$;

create function auth.follow_barrier() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform auth.compile_barrier(new.id);
  return null;
end $$;
create trigger follow_barrier after insert or update on access_barrier
  for each row execute function auth.follow_barrier();

create function auth.follow_subjects() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform auth.compile_barrier(b) from (select distinct barrier_id b from changed) s;
  return null;
end $$;
create trigger subjects_added after insert on access_barriersubject
  referencing new table as changed for each statement execute function auth.follow_subjects();
create trigger subjects_removed after delete on access_barriersubject
  referencing old table as changed for each statement execute function auth.follow_subjects();

create function auth.follow_emergency() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  update auth.acl_group set epoch = epoch + 1 where matter = new.matter_id;
  perform auth.note_change();
  return null;
end $$;
create trigger follow_emergency after insert or update on access_emergency
  for each row execute function auth.follow_emergency();
"""

HISTORY = r"""
-- What held when: a row for each rule, from the moment it was made to the moment it changed.
create table auth.fact (
  kind text not null,
  key text not null,
  data jsonb not null,
  since timestamptz not null,
  until timestamptz
);
create unique index fact_that_holds on auth.fact (kind, key) where until is null;
create index facts_by_time on auth.fact (since, until);

create function auth.remember() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  row jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
  kept jsonb := (select jsonb_object_agg(e.key, e.value) from jsonb_each(row) e
                  where e.key = any (string_to_array(tg_argv[1], ',')));
  name text := coalesce(row ->> 'id', md5(kept::text));
begin
  if tg_op <> 'DELETE' and exists (
       select 1 from auth.fact f where f.kind = tg_argv[0] and f.key = name
          and f.until is null and f.data = kept) then
    return null;
  end if;
  delete from auth.fact f
   where f.kind = tg_argv[0] and f.key = name and f.until is null and f.since = now();
  update auth.fact f set until = now()
   where f.kind = tg_argv[0] and f.key = name and f.until is null;
  if tg_op <> 'DELETE' then
    insert into auth.fact (kind, key, data, since) values (tg_argv[0], name, kept, now());
  end if;
  return null;
end $$;

create trigger remember after insert or update or delete on access_membership
  for each row execute function auth.remember('member', 'matter_id,user_id,level');
create trigger remember after insert or delete on access_teamplace
  for each row execute function auth.remember('team', 'matter_id,group_id');
create trigger remember after insert or delete on accounts_groupmember
  for each row execute function auth.remember('place', 'group_id,user_id');
create trigger remember after insert or update of clearance, is_active, purposes on accounts_user
  for each row execute function auth.remember('person', 'id,clearance,is_active,purposes');
create trigger remember after insert or update of client_id on access_matter
  for each row execute function auth.remember('matter', 'id,client_id');
create trigger remember after insert or update on access_barrier
  for each row execute function auth.remember(
    'barrier', 'id,kind,matter_id,client_id,document_id,names,lifted_at');
create trigger remember after insert or delete on access_barriersubject
  for each row execute function auth.remember('subject', 'barrier_id,user_id,group_id');
create trigger remember after insert or delete on auth.document_barrier
  for each row execute function auth.remember('behind', 'document,barrier');
create trigger remember after insert or update on access_emergency
  for each row execute function auth.remember(
    'emergency', 'person_id,matter_id,document_id,opened_at,expires_at');

-- The rules as they held at a time, for those whose work is to look at rules.
create function auth.facts_at(at timestamptz) returns table (kind text, data jsonb)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select f.kind, f.data from auth.fact f
   where f.since <= at and (f.until is null or f.until > at)
     and (auth.has_role('privacy_officer') or auth.has_role('auditor'))
$$;
"""

BACKWARDS = """
do $$ begin raise exception 'there is no way back from here: restore a backup'; end $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0005_barriers_teams_and_reviews"),
        ("documents", "0002_passages_are_for_members"),
    ]
    operations = [
        run_sql(GROUPS, BACKWARDS),
        run_sql(RIGHTS, BACKWARDS),
        run_sql(IDENTITY, BACKWARDS),
        run_sql(TRIGGERS, BACKWARDS),
        run_sql(HISTORY, BACKWARDS),
    ]
