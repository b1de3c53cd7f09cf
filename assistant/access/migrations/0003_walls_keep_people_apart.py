"""Walls: a matter's groups are denied to a person, and a denial beats every permission.

`access_wall` is the history, for the operator alone. A trigger compiles the walls that stand into
`auth.wall`, and from there into `auth.rights` in the same transaction: the groups leave the set
that searches look in, and their bits are set in `denied`, which a restrictive policy on each table
with content reads. From the next statement on the person sees nothing of the matter.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from assistant.accounts.sql import run_sql

FORWARDS = r"""
-- Of the roles, only the owner's comes here, and only while it acts for nobody. The application has
-- no right to this table; where it shares the owner's role, a page has entered somebody.
alter table access_wall enable row level security;
alter table access_wall force row level security;
create policy operator on access_wall to {owner}
  using ((select auth.uid()) is null) with check ((select auth.uid()) is null);

-- The operator's own actions are recorded by the role that does them.
create policy "the operator writes" on compliance_event for insert to {owner}
  with check ((select auth.uid()) is null);

-- The record's trigger runs as the owner. Where that is the application's role as well, what was
-- revoked from the application was revoked from the trigger.
grant insert on compliance_mention, compliance_pending to {owner};

create table auth.wall (
  uid bigint not null,
  matter uuid not null,
  primary key (uid, matter)
);

create function auth.mask(ids int[]) returns bytea
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
declare
  mask bytea :=
    decode(repeat('00', coalesce((select max(i) from unnest(ids) i), 0) / 8 + 1), 'hex');
begin
  for i in 1 .. coalesce(array_length(ids, 1), 0) loop
    mask := set_bit(mask, ids[i], 1);
  end loop;
  return mask;
end $$;

create or replace function auth.rebuild(person bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  allowed int[];
  denied_ids int[];
begin
  -- One at a time for each person: of two changes at once, the second must see the first.
  perform pg_advisory_xact_lock(hashtextextended('cloister.rights', person));
  select coalesce(array_agg(g.id order by g.id), '{{}}') into denied_ids
    from auth.acl_group g join auth.wall w on w.matter = g.matter and w.uid = person;
  select coalesce(array_agg(g.id order by g.id), '{{}}') into allowed
    from auth.acl_group g join auth.member m on m.matter = g.matter and m.uid = person
   where g.id <> all (denied_ids);
  insert into auth.rights (uid, groups, bits, denied)
  values (person, allowed, auth.mask(allowed), auth.mask(denied_ids))
  on conflict (uid) do update
    set groups = excluded.groups, bits = excluded.bits, denied = excluded.denied;
end $$;

create or replace function auth.leads(wanted uuid) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select exists (select 1 from auth.member m
                  where m.uid = auth.uid() and m.matter = wanted and m.leads)
     and not exists (select 1 from auth.wall w where w.uid = auth.uid() and w.matter = wanted)
$$;

create function auth.follow_wall() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_op in ('UPDATE', 'DELETE') then
    delete from auth.wall where uid = old.user_id and matter = old.matter_id;
    update auth.acl_group set epoch = epoch + 1 where matter = old.matter_id;
    perform auth.rebuild(old.user_id);
  end if;
  if tg_op in ('INSERT', 'UPDATE') and new.lifted_at is null then
    insert into auth.wall (uid, matter) values (new.user_id, new.matter_id);
    update auth.acl_group set epoch = epoch + 1 where matter = new.matter_id;
    perform auth.rebuild(new.user_id);
  end if;
  return null;
end $$;
create trigger follow_wall after insert or update or delete on access_wall
  for each row execute function auth.follow_wall();

revoke all on function auth.mask(int[]), auth.follow_wall() from public;
"""

BACKWARDS = r"""
delete from access_wall;
drop trigger follow_wall on access_wall;
drop function auth.follow_wall();
create or replace function auth.leads(wanted uuid) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select exists (select 1 from auth.member m
                  where m.uid = auth.uid() and m.matter = wanted and m.leads)
$$;
create or replace function auth.rebuild(person bigint) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  allowed int[];
begin
  select coalesce(array_agg(g.id order by g.id), '{{}}') into allowed
    from auth.acl_group g join auth.member m on m.matter = g.matter and m.uid = person;
  insert into auth.rights (uid, groups, bits) values (person, allowed, auth.mask(allowed))
  on conflict (uid) do update set groups = excluded.groups, bits = excluded.bits;
end $$;
drop table auth.wall;
drop policy "the operator writes" on compliance_event;
drop policy operator on access_wall;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_rows_are_for_members"),
        ("compliance", "0001_the_record"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Wall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("reason_nonce", models.BinaryField()),
                ("raised_at", models.DateTimeField(auto_now_add=True)),
                ("lift_reason", models.TextField(default="")),
                ("lift_nonce", models.BinaryField(default=b"")),
                ("lifted_at", models.DateTimeField(null=True)),
                ("matter", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="walls", to="access.matter")),
                ("raised_by", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="walls", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(lifted_at__isnull=True),
                        fields=("matter", "user"),
                        name="one_standing_wall",
                    )
                ],
            },
        ),
        run_sql(FORWARDS, BACKWARDS),
    ]
