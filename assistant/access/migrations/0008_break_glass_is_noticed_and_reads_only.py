"""Break-glass: what each person has to do about it, its end on record, its mark on what is read.

It opens reading and asking. Whoever changes documents does so by a right of their own.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from assistant.accounts.sql import protect, run_sql

FUNCTIONS = r"""
-- What came by the clock, each told once: an approval that did not come in time (no way), and ends,
-- with the way they came.
create function auth.settle_emergencies()
returns table (emergency uuid, person uuid, matter uuid, way text)
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  return query
    update access_emergency e set overdue_at = now(), expires_at = least(e.expires_at, now())
      from accounts_user u
     where u.id = e.person_id and e.approve_by < now() and e.overdue_at is null
       and e.approved_at is null and e.refused_at is null
    returning e.id, u.public_id, e.matter_id, '';
  return query
    update access_emergency e set ended_at = e.expires_at from accounts_user u
     where u.id = e.person_id and e.opened_at is not null and e.ended_at is null
       and e.expires_at <= now()
    returning e.id, u.public_id, e.matter_id,
      case when e.refused_at is not null then 'refused'
           when e.overdue_at is not null then 'overdue' else 'expired' end;
end $$;

-- The break-glass under which somebody acts in a matter now, for the record of what they do.
create function auth.emergency_in(wanted uuid) returns uuid
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  select e.id from access_emergency e
   where e.person_id = auth.uid() and e.matter_id = wanted and e.opened_at is not null
     and e.expires_at > clock_timestamp()
   order by e.opened_at limit 1
$$;

-- What was read under a break-glass, for those who review it: references, no content.
create function auth.read_in_emergency(wanted uuid)
returns table (at timestamptz, type text, actor uuid, object uuid, matter uuid, fields jsonb)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select v.recorded_at, v.type, v.actor, v.object, v.matter,
         convert_from(v.header, 'UTF8')::jsonb -> 'fields'
    from compliance_mention m join compliance_event v on v.event_id = m.event_id
   where m.object = wanted and v.type not like 'emergency.%'
     and auth.has_role('privacy_officer')
   order by v.recorded_at limit 500
$$;

-- How a matter is called, for those who decide about break-glass into it.
create function auth.emergency_matters() returns table (matter uuid, reference text, name text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.id, m.reference, m.name from access_matter m
   where m.id in (select e.matter_id from access_emergency e)
     and (auth.has_role('privacy_officer') or auth.leads(m.id))
$$;

-- What privacy officers are told, each as it happens.
create function auth.notices()
returns table (at timestamptz, kind text, emergency uuid, by_whom bigint)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select n.at, n.kind, e.id, n.by_whom
    from access_emergency e
   cross join lateral (values
     (e.asked_at, case when e.approve_by is null then 'asked' else 'opened' end, e.person_id),
     (e.approved_at, 'approved', e.approved_by_id),
     (e.refused_at, 'refused', e.approved_by_id),
     (e.overdue_at, 'overdue', null),
     (e.ended_at, 'ended', null),
     (case when e.reviewed_at is null and e.ended_at < now() - interval '7 days'
           then e.ended_at + interval '7 days' end, 'unreviewed', null),
     (e.reviewed_at, 'reviewed', e.reviewed_by_id)) n (at, kind, by_whom)
   where n.at is not null and e.asked_at > now() - interval '90 days'
     and auth.has_role('privacy_officer')
$$;

-- What a page reminds its reader of: break-glass that is open, and what waits for them.
create function auth.my_tasks() returns jsonb
language sql volatile security definer set search_path = pg_catalog, public, pg_temp as $$
  select jsonb_build_object(
    'open', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'id', e.id, 'reference', m.reference, 'until', e.expires_at,
               'is_document', e.document_id is not null) order by e.expires_at), '[]')
        from access_emergency e join access_matter m on m.id = e.matter_id
       where e.person_id = auth.uid() and e.opened_at is not null
         and e.expires_at > clock_timestamp()
         and m.acl_group <> all (auth.denied_groups(e.person_id))),
    'asked', (
      select count(*) from access_emergency e
       where e.person_id = auth.uid() and e.opened_at is null and e.refused_at is null
         and e.asked_at > now() - interval '24 hours'),
    'decide', (
      select count(*) from access_emergency e
       where e.approved_at is null and e.refused_at is null
         and e.asked_at > now() - interval '24 hours' and auth.may_approve(e)),
    'review', (
      select count(*) from access_emergency e
       where e.reviewed_at is null and e.opened_at is not null and e.expires_at <= now()
         and auth.has_role('privacy_officer') and e.person_id <> auth.uid()
         and e.approved_by_id is distinct from auth.uid()),
    'notices', (
      select count(*) from auth.notices() n
       where n.by_whom is distinct from auth.uid()
         and n.at > coalesce((select r.at from access_noticesread r where r.user_id = auth.uid()),
                             '-infinity')),
    'places', (
      select count(*) from access_reviewitem i join access_review r on r.id = i.review_id
       where r.closed_at is null and i.decision = '' and i.user_id <> auth.uid()
         and auth.leads(i.matter_id)))
   where auth.uid() is not null
$$;

-- What somebody may see without break-glass.
create function auth.own_bits() returns bytea
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$ select auth.padded((auth.my_rights()).bits) $$;

revoke all on all functions in schema auth from public;
grant execute on function auth.settle_emergencies(), auth.emergency_in(uuid),
  auth.read_in_emergency(uuid), auth.emergency_matters(), auth.notices(), auth.my_tasks(),
  auth.own_bits()
  to {app};
"""

# The record is forced upon its owner too: a reviewer's function reads what was marked, no more.
REVIEWED = """
create policy "what break-glass read is reviewed" on compliance_event for select to {owner}
  using ((select auth.has_role('privacy_officer'))
         and convert_from(header, 'UTF8')::jsonb ? 'emergency');
create policy "what break-glass read is reviewed" on compliance_mention for select to {owner}
  using ((select auth.has_role('privacy_officer'))
         and exists (select 1 from access_emergency e where e.id = object));
"""

DOCUMENTS = (
    "documents_document",
    "documents_version",
    "documents_page",
    "documents_passage",
    "documents_passagevector",
    "documents_posting",
)
READS_ONLY = "".join(
    f"create policy break_glass_reads_{verb} on {table} as restrictive for {verb} to {{app}}"
    f" {clause} (get_bit((select auth.own_bits()), acl_group) = 1);\n"
    for table in DOCUMENTS
    for verb, clause in (("insert", "with check"), ("update", "using"), ("delete", "using"))
)
OWN = "user_id = (select auth.uid())"
BACKWARDS = """
do $$ begin raise exception 'there is no way back from here: restore a backup'; end $$;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('access', '0007_rules_are_written_by_their_roles'),
        ('documents', '0004_documents_have_labels'),
        ('compliance', '0001_the_record'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='NoticesRead',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AddIndex(
            model_name='emergency',
            index=models.Index(fields=['person', 'expires_at'], name='emergencies_of_a_person'),
        ),
        migrations.AddIndex(
            model_name='emergency',
            index=models.Index(condition=models.Q(('approved_at__isnull', True), ('refused_at__isnull', True)), fields=['asked_at'], name='emergencies_undecided'),
        ),
        migrations.AddIndex(
            model_name='emergency',
            index=models.Index(condition=models.Q(('reviewed_at__isnull', True)), fields=['expires_at'], name='emergencies_unreviewed'),
        ),
        migrations.AddConstraint(
            model_name='emergency',
            constraint=models.CheckConstraint(condition=models.Q(('why__in', ['treatment', 'safety', 'deadline', 'cover', 'other'])), name='why_is_known'),
        ),
        migrations.AddConstraint(
            model_name='emergency',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['', 'justified', 'unjustified', 'follow_up'])), name='verdict_is_known'),
        ),
        run_sql(
            protect("access_noticesread", read=OWN, insert=OWN, update=OWN, group_column=None)
            + FUNCTIONS
            + REVIEWED
            + READS_ONLY,
            BACKWARDS,
        ),
    ]
