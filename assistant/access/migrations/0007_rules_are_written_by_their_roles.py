"""Who writes which rule. Break-glass moves only through functions that check each step."""

from django.db import migrations

from assistant.accounts.sql import protect, run_sql, update_only

OFFICER = "(select auth.has_role('privacy_officer'))"
MEMBERS_READ = "get_bit((select auth.bits()), auth.group_of(matter_id)) = 1"
LEADS = "(select auth.leads(matter_id))"
HAS_A_MATTER_OF_MINE = (
    "exists (select 1 from access_matter m where m.client_id = access_client.id)"
)
HAS_AN_ITEM_OF_MINE = (
    "exists (select 1 from access_reviewitem i where i.review_id = access_review.id)"
)

TABLES = (
    protect(
        "access_client",
        read=f"{OFFICER} or {HAS_A_MATTER_OF_MINE}",
        group_column=None,
    )
    + protect(
        "access_teamplace",
        read=MEMBERS_READ,
        insert=LEADS,
        delete=LEADS,
        group_column="auth.group_of(matter_id)",
    )
    + protect(
        "access_barrier",
        read=OFFICER,
        insert=OFFICER,
        update=f"{OFFICER} and not auth.walls_me_off(id)",
        group_column=None,
    )
    + protect("access_barriersubject", read=OFFICER, insert=OFFICER, group_column=None)
    + protect(
        "access_emergency",
        read=f"{OFFICER} or person_id = (select auth.uid()) or {LEADS}",
        group_column=None,
    )
    + protect(
        "access_review",
        read=f"{OFFICER} or {HAS_AN_ITEM_OF_MINE}",
        insert=OFFICER,
        group_column=None,
    )
    + protect("access_reviewitem", read=f"{OFFICER} or {LEADS}", group_column=None)
)

# A barrier is lifted and never rewritten; a matter stays in the group that the database gave it.
NARROWED = update_only(
    "access_barrier", "lift_reason, lift_nonce, lifted_by_id, lifted_at"
) + update_only("access_matter", "reference, name, client_id, purposes, opens_in_emergency")

OPERATOR = """
create policy operator on access_barrier to {owner}
  using ((select auth.uid()) is null) with check ((select auth.uid()) is null);
create policy operator on access_barriersubject to {owner}
  using ((select auth.uid()) is null) with check ((select auth.uid()) is null);
grant usage, select on sequence access_teamplace_id_seq, access_barriersubject_id_seq to {app};
"""

WALLED_OFF = r"""
-- Whether a wall keeps the caller out: nobody lifts their own.
create function auth.walls_me_off(wanted uuid) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select exists (select 1 from auth.barrier b
                  where b.id = wanted and b.kind = 'wall'
                    and (auth.uid() = any (b.people) or b.groups && auth.teams_of(auth.uid())))
$$;
"""

FUNCTIONS = r"""
create function auth.client_named(wanted text) returns uuid
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  found uuid;
begin
  if not auth.has_role('knowledge_manager') then
    raise exception 'only knowledge managers name clients' using errcode = '42501';
  end if;
  insert into access_client (id, name, created_at) values (gen_random_uuid(), wanted, now())
  on conflict (name) do nothing;
  select c.id into found from access_client c where c.name = wanted;
  return found;
end $$;

-- Matters by name, without anything in them, for those who put barriers around them.
create function auth.matters_for_officer()
returns table (id uuid, reference text, name text, client uuid, client_name text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.id, m.reference, m.name, c.id, c.name
    from access_matter m left join access_client c on c.id = m.client_id
   where auth.has_role('privacy_officer') order by m.reference, m.name
$$;

-- Whether whoever is entered gave a second factor within the last minutes, after signing in.
create function auth.proved_again() returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select exists (select 1 from accounts_session b where b.public_id = auth.session_id()
                    and b.stepped_up_at > b.signed_in_at
                    and b.stepped_up_at > clock_timestamp() - interval '5 minutes')
     and (exists (select 1 from accounts_authenticator a
                   where a.user_id = auth.uid() and a.confirmed_at is not null)
          or exists (select 1 from accounts_passkey p where p.user_id = auth.uid()))
$$;

-- Asks for break-glass. Returns null where there is no such matter or a barrier stands: the asker
-- is told the same in every case.
create function auth.ask_emergency(emergency uuid, matter_name text, document uuid, why text,
  words text, nonce bytea, lasting int, urgent boolean) returns uuid
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  wanted uuid;
  urgently boolean;
begin
  select m.id, m.opens_in_emergency and urgent into wanted, urgently from access_matter m
   where m.id::text = lower(matter_name) or lower(m.reference) = lower(matter_name)
   order by m.id limit 1;
  if auth.uid() is null or wanted is null or lasting not between 1 and 60
     or not auth.proved_again()
     or auth.has_role('administrator')
     or auth.group_of(wanted) = any (auth.denied_groups(auth.uid()))
     or document is not null and not exists (
          select 1 from documents_document d where d.id = document and d.matter_id = wanted
             and d.acl_group <> all (auth.denied_groups(auth.uid()))) then
    return null;
  end if;
  if document is not null then
    update documents_document set stands_alone = true where id = document and not stands_alone;
  end if;
  insert into access_emergency (id, person_id, matter_id, document_id, asked_for, why, text,
    text_nonce, minutes, asked_at, opened_at, expires_at, approve_by, verdict, verdict_text,
    verdict_nonce)
  values (emergency, auth.uid(), wanted, document, matter_name, why, words, nonce, lasting, now(),
    case when urgently then now() end,
    case when urgently then now() + make_interval(mins => lasting) end,
    case when urgently then now() + interval '24 hours' end, '', '', '');
  return wanted;
end $$;

-- Somebody else: a privacy officer or a lead of the matter, never an administrator or the asker.
create function auth.may_approve(e access_emergency) returns boolean
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select e.person_id <> auth.uid() and (auth.has_role('privacy_officer') or auth.leads(e.matter_id))
$$;

create function auth.decide_emergency(emergency uuid, approved boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update access_emergency e set
    approved_by_id = auth.uid(),
    approved_at = case when approved then now() end,
    refused_at = case when not approved then now() end,
    opened_at = case when approved then coalesce(e.opened_at, now()) else e.opened_at end,
    expires_at = case when not approved then least(e.expires_at, now())
                      else coalesce(e.expires_at, now() + make_interval(mins => e.minutes)) end
   where e.id = emergency and e.approved_at is null and e.refused_at is null
     and e.asked_at > now() - interval '24 hours' and auth.may_approve(e)
     -- A barrier that was raised meanwhile.
     and (not approved or auth.group_of(e.matter_id) <> all (auth.denied_groups(e.person_id)));
  return found;
end $$;

create function auth.end_emergency(emergency uuid) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update access_emergency e set expires_at = now(), ended_at = now()
   where e.id = emergency and e.expires_at > now()
     and (e.person_id = auth.uid() or auth.has_role('privacy_officer') or auth.leads(e.matter_id));
  return found;
end $$;

-- Closed by a privacy officer who neither asked nor approved, and only after it has ended.
create function auth.review_emergency(emergency uuid, decision text, words text, nonce bytea)
returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  update access_emergency e set reviewed_by_id = auth.uid(), reviewed_at = now(),
         verdict = decision, verdict_text = words, verdict_nonce = nonce
   where e.id = emergency and e.reviewed_at is null and e.opened_at is not null
     and e.expires_at <= now()
     and auth.has_role('privacy_officer') and e.person_id <> auth.uid()
     and e.approved_by_id is distinct from auth.uid();
  return found;
end $$;

create function auth.open_review(review uuid, due timestamptz) returns int
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  items int;
begin
  if not auth.has_role('privacy_officer') then
    raise exception 'only privacy officers open reviews' using errcode = '42501';
  end if;
  insert into access_review (id, opened_by_id, opened_at, due_at)
  values (review, auth.uid(), now(), due);
  insert into access_reviewitem (review_id, matter_id, user_id, level, decision)
  select review, m.matter_id, m.user_id, m.level, '' from access_membership m;
  get diagnostics items = row_count;
  return items;
end $$;

-- What is removed ends at once; a matter's last lead stays. Nobody decides on themself.
create function auth.decide_item(item bigint, keep boolean) returns boolean
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  place access_membership;
begin
  -- Of two removals at once, the second must see the first.
  perform 1 from access_reviewitem i join auth.acl_group g
     on g.matter = i.matter_id and g.label = '' where i.id = item for update of g;
  select m.* into place from access_reviewitem i join access_review r on r.id = i.review_id
    join access_membership m on m.matter_id = i.matter_id and m.user_id = i.user_id
   where i.id = item and r.closed_at is null and m.added_at <= r.opened_at
     and (auth.has_role('privacy_officer') or auth.leads(i.matter_id)) and i.user_id <> auth.uid();
  if place.id is null or not keep and place.level = 'lead' and not exists (
       select 1 from access_membership o where o.matter_id = place.matter_id
          and o.level = 'lead' and o.id <> place.id) then
    return false;
  end if;
  update access_reviewitem i set decision = case when keep then 'keep' else 'remove' end,
         decided_by_id = auth.uid(), decided_at = now() where i.id = item;
  if not keep then
    delete from access_membership m where m.id = place.id;
  end if;
  return true;
end $$;

-- When it is due: what was not confirmed ends. A matter keeps its leads, or nobody could mend it.
-- Who was let in after the review began was decided on then. Null: there is nothing to close.
create function auth.close_review(review uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  ended jsonb;
begin
  update access_review r set closed_at = now()
   where r.id = review and r.closed_at is null
     and (r.due_at <= now() or auth.has_role('privacy_officer'));
  if not found then
    return null;
  end if;
  with gone as (
    delete from access_membership m using access_reviewitem i, access_review r
     where i.review_id = review and r.id = review and m.added_at <= r.opened_at
       and i.matter_id = m.matter_id and i.user_id = m.user_id and i.decision <> 'keep'
       and (m.level <> 'lead' or exists (
             select 1 from access_membership o join access_reviewitem k
                 on k.review_id = review and k.matter_id = o.matter_id and k.user_id = o.user_id
              where o.matter_id = m.matter_id and o.level = 'lead' and k.decision = 'keep'))
    returning m.user_id, m.matter_id)
  select coalesce(jsonb_agg(jsonb_build_object('person', u.public_id, 'matter', g.matter_id)), '[]')
    into ended from gone g join accounts_user u on u.id = g.user_id;
  update access_reviewitem i set decision = case when exists (
      select 1 from access_membership m join access_review r on r.id = review
       where m.matter_id = i.matter_id and m.user_id = i.user_id and m.added_at <= r.opened_at)
      then 'kept' else 'expired' end
   where i.review_id = review and i.decision = '';
  return ended;
end $$;

create function auth.reviews_due() returns setof uuid
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select r.id from access_review r where r.closed_at is null and r.due_at <= now()
$$;

revoke all on all functions in schema auth from public;
grant execute on function auth.client_named(text), auth.matters_for_officer(),
  auth.ask_emergency(uuid, text, uuid, text, text, bytea, int, boolean),
  auth.decide_emergency(uuid, boolean), auth.end_emergency(uuid),
  auth.review_emergency(uuid, text, text, bytea), auth.proved_again(),
  auth.open_review(uuid, timestamptz),
  auth.decide_item(bigint, boolean), auth.close_review(uuid), auth.reviews_due(),
  auth.purpose(), auth.scope_key(uuid), auth.change_stamp(), auth.choose_purpose(text),
  auth.facts_at(timestamptz), auth.my_groups(), auth.bits(), auth.denied_bits(), auth.leads(uuid),
  auth.people_in(uuid), auth.walls_me_off(uuid) to {app};
"""

BACKWARDS = """
do $$ begin raise exception 'there is no way back from here: restore a backup'; end $$;
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0006_rights_follow_the_rules")]
    operations = [
        run_sql(WALLED_OFF + TABLES + NARROWED + OPERATOR, BACKWARDS),
        run_sql(FUNCTIONS, BACKWARDS),
    ]
