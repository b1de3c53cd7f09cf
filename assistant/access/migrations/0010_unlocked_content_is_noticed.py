"""Privacy officers are told when recorded content is unlocked, or was asked for and refused."""

from django.db import migrations

from assistant.accounts.sql import run_sql

# As before, and what the record says of unlocking. `event` names the record's own event.
FORWARDS = r"""
drop function auth.notices();
create function auth.notices()
returns table (at timestamptz, kind text, emergency uuid, by_whom bigint, event uuid, matter uuid)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select n.at, n.kind, e.id, n.by_whom, null::uuid, e.matter_id
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
  union all
  select v.recorded_at, split_part(v.type, '.', 2), null::uuid, u.id, v.event_id, v.matter
    from compliance_event v left join accounts_user u on u.public_id = v.actor
   where v.type in ('content.unlocked', 'content.unlock_refused')
     and v.recorded_at > now() - interval '90 days'
     and auth.has_role('privacy_officer')
$$;
revoke all on function auth.notices() from public;
grant execute on function auth.notices() to {app};

create policy "unlocking is noticed" on compliance_event for select to {owner}
  using ((select auth.has_role('privacy_officer'))
         and type in ('content.unlocked', 'content.unlock_refused'));
"""

BACKWARDS = """
do $$ begin raise exception 'there is no way back from here: restore a backup'; end $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0009_rules_are_explained"),
        ("compliance", "0004_events_have_content"),
    ]
    operations = [run_sql(FORWARDS, BACKWARDS)]
