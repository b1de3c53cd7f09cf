"""Labels decide which group a document is in; a change of label moves all that was made of it.

Documents with the same labels in a matter share a group, so rights stay a list of groups. The
database names the group: what the application writes there does not count.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from assistant.accounts.sql import protect, run_sql, unprotect, update_only

FORWARDS = r"""
-- The group for a document as it stands now, with its grants and the barriers around it.
create function auth.group_of_document(document documents_document) returns int
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  select auth.group_for(
    document.matter_id, document.classification, document.purposes, document.is_restricted,
    coalesce((select array_agg(g.user_id) from documents_documentgrant g
               where g.document_id = document.id and g.user_id is not null), '{{}}'),
    coalesce((select array_agg(g.group_id) from documents_documentgrant g
               where g.document_id = document.id and g.group_id is not null), '{{}}'),
    coalesce((select array_agg(b.barrier) from auth.document_barrier b
               where b.document = document.id), '{{}}'),
    case when document.stands_alone then document.id end)
$$;

drop trigger take_group on documents_document;
create function auth.take_label() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  new.acl_group := auth.group_of_document(new);
  return new;
end $$;
create trigger take_label before insert or update of acl_group, matter_id, classification, purposes,
    is_restricted, stands_alone on documents_document
  for each row execute function auth.take_label();

-- A version is where its document is.
create function auth.take_document_group() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  select d.acl_group into new.acl_group from documents_document d where d.id = new.document_id;
  return new;
end $$;
create trigger take_document_group before insert on documents_version
  for each row execute function auth.take_document_group();

-- Out and in again, so that what is counted by group is counted anew.
create function auth.move_document() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update documents_version set acl_group = new.acl_group where document_id = new.id;
  update documents_page p set acl_group = new.acl_group
    from documents_version v where v.id = p.version_id and v.document_id = new.id;
  update documents_passage set acl_group = new.acl_group where document_id = new.id;
  with gone as (
    delete from documents_passagevector v using documents_passage p
     where p.id = v.passage_id and p.document_id = new.id returning v.*)
  insert into documents_passagevector (passage_id, acl_group, cell, embedding)
  select passage_id, new.acl_group, cell, embedding from gone;
  with gone as (
    delete from documents_posting q using documents_passage p
     where p.id = q.passage_id and p.document_id = new.id returning q.*)
  insert into documents_posting (term, acl_group, passage_id, frequency, words)
  select term, new.acl_group, passage_id, frequency, words from gone;
  update auth.acl_group set epoch = epoch + 1 where id in (old.acl_group, new.acl_group);
  perform auth.note_change();
  return null;
end $$;
create trigger move_document after update on documents_document
  for each row when (old.acl_group is distinct from new.acl_group)
  execute function auth.move_document();

create function auth.follow_grants() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update documents_document set acl_group = 0
   where id in (select document_id from changed) and is_restricted;
  return null;
end $$;
create trigger grants_added after insert on documents_documentgrant
  referencing new table as changed for each statement execute function auth.follow_grants();
create trigger grants_removed after delete on documents_documentgrant
  referencing old table as changed for each statement execute function auth.follow_grants();

-- Restricted lists: a document that speaks of a listed name stands behind the list's barrier.
create function auth.name_pattern(names text[]) returns text
language sql immutable set search_path = pg_catalog, pg_temp as $$
  -- Not \m and \M: no word ends after the full stop of "Inc."
  select '(?<!\w)(' || string_agg(
           regexp_replace(regexp_replace(btrim(n), '([.^$*+?()\[\]{{}}\\|-])', '\\\1', 'g'),
                          '\s+', '[\\s\\u00A0]+', 'g'), '|') || ')(?!\w)'
    from unnest(names) n where btrim(n) <> ''
$$;

-- Earlier versions count: they can still be opened.
create function auth.speaks_of(document documents_document, names text[]) returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select cardinality(names) > 0 and (
    document.title ~* auth.name_pattern(names)
    or exists (select 1 from documents_version v
                where v.document_id = document.id and v.text ~* auth.name_pattern(names)))
$$;

create function auth.match_names(document uuid) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  before uuid[] := array(select barrier from auth.document_barrier b
                          where b.document = match_names.document and b.by_name order by 1);
  after uuid[];
begin
  select coalesce(array_agg(b.id order by b.id), '{{}}') into after
    from auth.barrier b, documents_document d
   where d.id = match_names.document and auth.speaks_of(d, b.names);
  if before is distinct from after then
    delete from auth.document_barrier b where b.document = match_names.document and b.by_name;
    insert into auth.document_barrier (document, barrier, by_name)
    select match_names.document, unnest(after), true on conflict do nothing;
    update documents_document set acl_group = 0 where id = match_names.document;
  end if;
end $$;

create function auth.follow_version() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform auth.match_names(new.id);
  return null;
end $$;
create trigger follow_version after update of live_version_id, title on documents_document
  for each row execute function auth.follow_version();
create function auth.follow_superseded() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform auth.match_names(new.document_id);
  return null;
end $$;
create trigger follow_superseded after update of state on documents_version
  for each row when (new.state = 'superseded' and old.state <> 'superseded')
  execute function auth.follow_superseded();
create trigger follow_first_title after insert on documents_document
  for each row execute function auth.follow_version();

-- Called when a barrier has changed: the documents that it names, or names no more.
create function auth.place_documents(barrier uuid) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  b auth.barrier := (select r from auth.barrier r where r.id = place_documents.barrier);
  moved uuid[];
begin
  with kept as (
    select d.id as document, d.id is distinct from b.document as by_name
      from documents_document d
     where b.id is not null and (d.id = b.document or auth.speaks_of(d, b.names))),
  gone as (
    delete from auth.document_barrier x where x.barrier = place_documents.barrier
       and x.document not in (select document from kept) returning x.document),
  come as (
    insert into auth.document_barrier (document, barrier, by_name)
    select document, place_documents.barrier, by_name from kept on conflict do nothing
    returning document)
  select array_agg(m.document) into moved
    from (select document from gone union select document from come) m;
  update documents_document set acl_group = 0 where id = any (moved);
end $$;

create function auth.follow_barrier_to_documents() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  perform auth.place_documents(coalesce(new.id, old.id));
  return null;
end $$;
create trigger place_documents after insert or update or delete on auth.barrier
  for each row execute function auth.follow_barrier_to_documents();

-- Whether these bits reach all of these documents. Policies give the caller's own, worked out once
-- for a statement and not for each row.
create function auth.all_seen(documents uuid[], allowed bytea, denied bytea) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, public, pg_temp
as $$
  select cardinality(documents) = 0 or not exists (
    select 1 from unnest(documents) wanted (id)
     where not exists (select 1 from documents_document d
                        where d.id = wanted.id and get_bit(allowed, d.acl_group) = 1
                          and get_bit(denied, d.acl_group) = 0))
$$;

create function auth.sees_documents(documents uuid[]) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, public, pg_temp
as $$ select auth.all_seen(documents, auth.bits(), auth.denied_bits()) $$;

-- The people who can read a document now, for whoever can read it too.
create function auth.readers_of(wanted uuid) returns setof bigint
language sql stable security definer parallel restricted set search_path = pg_catalog, public, pg_temp
as $$
  select distinct r.uid from documents_document d
    join auth.rights r on d.acl_group = any (r.groups)
    join accounts_user u on u.id = r.uid and u.is_active
   where d.id = wanted and auth.sees_documents(array[wanted])
$$;

-- Gives a document other labels; false where the caller does not lead its matter or see it.
create function auth.label_document(wanted uuid, classification int, purposes text[],
  restricted boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update documents_document d
     set classification = label_document.classification, purposes = label_document.purposes,
         is_restricted = label_document.restricted
   where d.id = wanted and d.deleted_at is null and auth.leads(d.matter_id)
     and auth.sees_documents(array[wanted]);
  return found;
end $$;

-- Before a directory takes a group away: walls against it go on to stand against its people, and
-- what it was let into is closed.
create function auth.part_with_group(wanted uuid) returns void
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  insert into access_barriersubject (barrier_id, user_id)
  select s.barrier_id, m.user_id
    from access_barriersubject s
    join access_barrier b on b.id = s.barrier_id and b.kind = 'wall' and b.lifted_at is null
    join accounts_groupmember m on m.group_id = s.group_id
   where s.group_id = wanted and not exists (
     select 1 from access_barriersubject t
      where t.barrier_id = s.barrier_id and t.user_id = m.user_id);
  delete from access_barriersubject where group_id = wanted;
  delete from access_teamplace where group_id = wanted;
  delete from documents_documentgrant where group_id = wanted;
end $$;

-- Who sees how many documents of which of these matters, for whatever purpose, break-glass aside;
-- and who sees the matter itself.
create function auth.places_in(wanted uuid[])
returns table (uid bigint, matter uuid, documents bigint, whole boolean)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  with held as (
    select distinct r.uid, g.id, g.matter, g.label
      from auth.acl_group g
      join auth.rights r on g.id = any (r.groups)
     where g.matter = any (wanted)
       and r.uid in (select p from unnest(wanted) m, auth.people_of(m) p)),
  counted as (
    select d.acl_group, count(*) as documents from documents_document d
     where d.matter_id = any (wanted) and d.deleted_at is null group by 1)
  select h.uid, h.matter, coalesce(sum(c.documents), 0)::bigint, bool_or(h.label = '')
    from held h left join counted c on c.acl_group = h.id group by 1, 2
$$;

-- What a barrier would do: it is raised, looked at and taken back, so this is exact.
create function auth.effect_of_barrier(kind text, matter uuid, client uuid, document uuid,
  names text[], people bigint[], groups uuid[]) returns jsonb
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
#variable_conflict use_variable
declare
  draft uuid := gen_random_uuid();
  touched uuid[];
  remaining jsonb;
  led uuid[];
  result jsonb;
begin
  begin
    insert into access_barrier (id, kind, matter_id, client_id, document_id, names, reason,
                                reason_nonce, raised_at, lift_reason, lift_nonce)
    values (draft, kind, matter, client, document, names, '', '', now(), '', '');
    insert into access_barriersubject (barrier_id, user_id) select draft, unnest(people);
    insert into access_barriersubject (barrier_id, group_id) select draft, unnest(groups);
    touched := array(select distinct g.matter from auth.acl_group g
                      where g.matter = matter or g.client = client or draft = any (g.barriers));
    remaining := (select jsonb_agg(p) from auth.places_in(touched) p);
    led := array(select distinct m.matter from auth.member m
                   join auth.places_in(touched) p
                     on p.uid = m.uid and p.matter = m.matter and p.whole
                   join accounts_user u on u.id = m.uid and u.is_active
                  where m.leads);
    raise exception 'taken back' using errcode = 'CL001';
  exception when sqlstate 'CL001' then
    null;
  end;
  with lost as (
    -- A barrier takes and never gives, so counts tell all.
    select p.uid, p.matter, p.documents - coalesce(r.documents, 0) as documents,
           p.whole and not coalesce(r.whole, false) as whole
      from auth.places_in(touched) p
      left join jsonb_to_recordset(coalesce(remaining, '[]'))
             as r (uid bigint, matter uuid, documents bigint, whole boolean)
        on r.uid = p.uid and r.matter = p.matter),
  closed as (
    select u.display_name as name, u.username, m.reference, l.documents, l.whole
      from lost l join accounts_user u on u.id = l.uid join access_matter m on m.id = l.matter
     where l.documents > 0 or l.whole)
  select jsonb_build_object(
    'closed', coalesce((select jsonb_agg(to_jsonb(c) order by c.name, c.reference)
                          from closed c), '[]'),
    'leaderless', coalesce((
      select jsonb_agg(m.reference order by m.reference) from access_matter m
       where m.id = any (touched) and m.id <> all (led)
         and exists (select 1 from lost l join auth.member w
                       on w.uid = l.uid and w.matter = l.matter and w.leads
                      where l.matter = m.id and l.whole)), '[]'))
    into result;
  return result;
end $$;

-- The same for privacy officers, in their own session.
create function auth.barrier_effect(kind text, matter uuid, client uuid, document uuid,
  names text[], people bigint[], groups uuid[]) returns jsonb
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if not auth.has_role('privacy_officer') then
    raise exception 'only privacy officers look at barriers' using errcode = '42501';
  end if;
  return auth.effect_of_barrier(kind, matter, client, document, names, people, groups);
end $$;

revoke all on all functions in schema auth from public;
grant execute on function auth.sees_documents(uuid[]), auth.all_seen(uuid[], bytea, bytea),
  auth.readers_of(uuid),
  auth.label_document(uuid, int, text[], boolean),
  auth.barrier_effect(text, uuid, uuid, uuid, text[], bigint[], uuid[]) to {app};
grant execute on function auth.part_with_group(uuid) to {signin};
grant usage, select on sequence documents_documentgrant_id_seq to {app};
create trigger remember after insert or update or delete on documents_document
  for each row execute function auth.remember(
    'document', 'id,matter_id,classification,purposes,is_restricted,deleted_at');
create trigger remember after insert or update or delete on documents_documentgrant
  for each row execute function auth.remember('grant', 'document_id,user_id,group_id');

-- What was taken in before labels gets its matter's usual group.
update documents_document set acl_group = 0;
"""
MINE = "exists (select 1 from documents_document d where d.id = document_id)"
LEADS = (
    "exists (select 1 from documents_document d where d.id = document_id"
    " and (select auth.leads(d.matter_id)))"
)
# Labels are for leads to set, by a function: no other column is the application's to change.
FORWARDS = (
    update_only("documents_document", "title, live_version_id, deleted_at")
    + protect("documents_documentgrant", read=MINE, insert=LEADS, delete=LEADS, group_column=None)
    + FORWARDS
)

BACKWARDS = """
drop trigger remember on documents_document;
drop trigger place_documents on auth.barrier;
drop trigger follow_first_title on documents_document;
drop trigger follow_superseded on documents_version;
drop trigger follow_version on documents_document;
drop trigger move_document on documents_document;
drop trigger take_document_group on documents_version;
drop trigger take_label on documents_document;
drop function auth.part_with_group(uuid), auth.all_seen(uuid[], bytea, bytea),
  auth.barrier_effect(text, uuid, uuid, uuid, text[], bigint[], uuid[]),
  auth.effect_of_barrier(text, uuid, uuid, uuid, text[], bigint[], uuid[]), auth.places_in(uuid[]),
  auth.label_document(uuid, int, text[], boolean),
  auth.readers_of(uuid), auth.sees_documents(uuid[]),
  auth.follow_barrier_to_documents(), auth.place_documents(uuid), auth.follow_version(), auth.follow_superseded(),
  auth.match_names(uuid), auth.speaks_of(documents_document, text[]), auth.name_pattern(text[]), auth.take_document_group(), auth.take_label();
drop trigger grants_added on documents_documentgrant;
drop trigger grants_removed on documents_documentgrant;
drop trigger remember on documents_documentgrant;
drop function auth.follow_grants(), auth.move_document(),
  auth.group_of_document(documents_document);
create trigger take_group before insert on documents_document
  for each row execute function auth.take_group();
""" + unprotect("documents_documentgrant")


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0006_rights_follow_the_rules'),
        ('accounts', '0005_people_have_a_clearance'),
        ('documents', '0002_passages_are_for_members'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DocumentGrant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='document',
            name='one_document_of_a_title_in_a_matter',
        ),
        migrations.AddField(
            model_name='document',
            name='classification',
            field=models.PositiveSmallIntegerField(choices=[(0, 'Internal'), (1, 'Confidential'), (2, 'Strictly confidential')], default=0),
        ),
        migrations.AddField(
            model_name='document',
            name='is_restricted',
            field=models.BooleanField(default=False, help_text='for those with a grant alone'),
        ),
        migrations.AddField(
            model_name='document',
            name='purposes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, help_text='empty: for any purpose', size=None),
        ),
        migrations.AddField(
            model_name='document',
            name='stands_alone',
            field=models.BooleanField(default=False, help_text='has a group of its own'),
        ),
        migrations.AddField(
            model_name='documentgrant',
            name='document',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='grants', to='documents.document'),
        ),
        migrations.AddField(
            model_name='documentgrant',
            name='group',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.group'),
        ),
        migrations.AddField(
            model_name='documentgrant',
            name='user',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='documentgrant',
            constraint=models.UniqueConstraint(fields=('document', 'user', 'group'), name='one_grant_for_each', nulls_distinct=False),
        ),
        run_sql(FORWARDS, BACKWARDS),
    ]
