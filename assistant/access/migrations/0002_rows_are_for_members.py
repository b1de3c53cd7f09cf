"""Who may see what, compiled into the few small tables that row security reads.

Each matter has an access group, an integer that every row of its content carries. What a person
may see is a set of groups, kept as an array (for the index) and as bits (for the policy), rebuilt
in the transaction that changes a membership. A denied group beats every permission, through a
restrictive policy of its own. None of these tables can be read by the application's role.
"""

from django.db import migrations

from assistant.accounts.sql import protect, run_sql, unprotect

FORWARDS = r"""
create table auth.acl_group (
  id int generated always as identity (start with 1) primary key,
  matter uuid not null,
  founder bigint not null,
  epoch int not null default 1,
  passages bigint not null default 0,
  words bigint not null default 0
);
create index on auth.acl_group (matter);

create table auth.member (
  uid bigint not null,
  matter uuid not null,
  leads boolean not null,
  primary key (uid, matter)
);
create index on auth.member (matter);

create table auth.rights (
  uid bigint primary key,
  groups int[] not null,
  bits bytea not null,
  denied bytea not null default ''
);

create function auth.rebuild(person bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  ids int[];
  mask bytea;
begin
  select coalesce(array_agg(g.id order by g.id), '{{}}') into ids
    from auth.acl_group g join auth.member m on m.matter = g.matter and m.uid = person;
  mask := decode(repeat('00', coalesce((select max(i) from unnest(ids) i), 0) / 8 + 1), 'hex');
  for i in 1 .. coalesce(array_length(ids, 1), 0) loop
    mask := set_bit(mask, ids[i], 1);
  end loop;
  insert into auth.rights (uid, groups, bits) values (person, ids, mask)
  on conflict (uid) do update set groups = excluded.groups, bits = excluded.bits;
end $$;

-- get_bit() beyond the end is an error, so bits reach as far as there are groups, and further: a
-- statement that makes a matter checks its row before it can see the group it has just made.
create function auth.padded(bits bytea) returns bytea
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select coalesce(bits, '') || decode(repeat('00', greatest(0,
    (select last_value from auth.acl_group_id_seq)::int / 8 + 64
    - octet_length(coalesce(bits, '')))), 'hex')
$$;

create function auth.bits() returns bytea
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select auth.padded((select r.bits from auth.rights r where r.uid = auth.uid())) $$;

create function auth.denied_bits() returns bytea
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select auth.padded((select r.denied from auth.rights r where r.uid = auth.uid())) $$;

create function auth.my_groups() returns int[]
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select coalesce((select r.groups from auth.rights r where r.uid = auth.uid()), '{{}}') || '{{}}'::int[]
$$;

-- The caller's groups of one matter: what a search in that matter may look at.
create function auth.my_groups_in(wanted uuid) returns int[]
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(g.id), '{{}}') from auth.acl_group g
   where g.matter = wanted and g.id = any (auth.my_groups())
$$;

create function auth.group_of(wanted uuid) returns int
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select min(g.id) from auth.acl_group g where g.matter = wanted $$;

create function auth.leads(wanted uuid) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select exists (select 1 from auth.member m
                  where m.uid = auth.uid() and m.matter = wanted and m.leads)
$$;

create function auth.founds(wanted uuid) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select exists (select 1 from auth.acl_group g where g.matter = wanted and g.founder = auth.uid())
     and not exists (select 1 from auth.member m where m.matter = wanted)
$$;

-- Changes with every change of who may see the matter. Caches are keyed on it.
create function auth.epoch(wanted uuid) returns int
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select sum(g.epoch)::int from auth.acl_group g
   where g.matter = wanted and g.id = any (auth.my_groups())
$$;

-- How much the caller could find in these groups: the statistics BM25 needs, inside their rights.
create function auth.scope_statistics(wanted int[], out passages bigint, out words bigint)
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(g.passages), 0)::bigint, coalesce(sum(g.words), 0)::bigint
    from auth.acl_group g where g.id = any (wanted) and g.id = any (auth.my_groups())
$$;

create function auth.give_group() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  insert into auth.acl_group (matter, founder) values (new.id, new.created_by_id)
    returning id into new.acl_group;
  return new;
end $$;
create trigger give_group before insert on access_matter
  for each row execute function auth.give_group();

-- Content that belongs to a matter takes the matter's group, whatever the application wrote.
create function auth.take_group() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  new.acl_group := auth.group_of(new.matter_id);
  return new;
end $$;

create function auth.follow_membership() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    delete from auth.member where uid = old.user_id and matter = old.matter_id;
    update auth.acl_group set epoch = epoch + 1 where matter = old.matter_id;
    perform auth.rebuild(old.user_id);
  end if;
  if tg_op in ('INSERT', 'UPDATE') then
    insert into auth.member (uid, matter, leads)
    values (new.user_id, new.matter_id, new.level = 'lead');
    update auth.acl_group set epoch = epoch + 1 where matter = new.matter_id;
    perform auth.rebuild(new.user_id);
  end if;
  return null;
end $$;
create trigger follow_membership after insert or update or delete on access_membership
  for each row execute function auth.follow_membership();

revoke all on all functions in schema auth from public;
grant execute on function auth.bits(), auth.denied_bits(), auth.my_groups(),
  auth.my_groups_in(uuid), auth.group_of(uuid), auth.leads(uuid), auth.founds(uuid),
  auth.epoch(uuid), auth.scope_statistics(int[]) to {app};
grant usage, select on sequence access_membership_id_seq to {app};
"""

MEMBERS_READ = "get_bit((select auth.bits()), acl_group) = 1"
MEMBERSHIPS_READ = (
    "get_bit((select auth.bits()), auth.group_of(matter_id)) = 1 or user_id = (select auth.uid())"
)

FORWARDS += protect(
    "access_matter",
    read=MEMBERS_READ,
    insert="created_by_id = (select auth.uid()) and (select auth.has_role('knowledge_manager'))",
    update="(select auth.leads(id))",
)
FORWARDS += protect(
    "access_membership",
    read=MEMBERSHIPS_READ,
    insert="(select auth.leads(matter_id)) or (select auth.founds(matter_id))",
    update="(select auth.leads(matter_id))",
    delete="(select auth.leads(matter_id))",
    group_column="auth.group_of(matter_id)",
)

BACKWARDS = (
    unprotect("access_membership")
    + unprotect("access_matter")
    + """
drop trigger follow_membership on access_membership;
drop trigger give_group on access_matter;
drop function auth.follow_membership(), auth.take_group(), auth.give_group(),
  auth.scope_statistics(int[]), auth.epoch(uuid), auth.founds(uuid), auth.leads(uuid),
  auth.group_of(uuid), auth.my_groups_in(uuid), auth.my_groups(), auth.denied_bits(), auth.bits(),
  auth.padded(bytea), auth.rebuild(bigint);
drop table auth.rights, auth.member, auth.acl_group;
"""
)


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0001_matters_have_members"),
        ("accounts", "0002_the_database_knows_who_asks"),
    ]
    operations = [run_sql(FORWARDS, BACKWARDS)]
