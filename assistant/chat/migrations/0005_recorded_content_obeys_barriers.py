"""What the record asks about rows it does not know: whom barriers keep out, and what is left.

Recorded content is unlocked by role and not by a place in a matter. Barriers hold all the same.
"""

from django.db import migrations

from assistant.accounts.sql import run_sql

FORWARDS = r"""
-- Whether a barrier keeps whoever is entered out of a matter, or out of a document that is named,
-- or that a named answer rests on.
create function auth.is_barred(wanted uuid, named uuid[]) returns boolean
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  denied int[] := auth.denied_groups(auth.uid());
begin
  return auth.group_of(wanted) = any (denied)
      or exists (select 1 from documents_document d
                  where d.acl_group = any (denied)
                    and (d.id = any (named) or d.id in (
                         select unnest(a.rests_on) from chat_answer a where a.id = any (named))));
end $$;

-- What the application's own tables hold of a matter, or of what a person asked in any. Erasing
-- recorded content does not touch it.
create function auth.remains_of(wanted_matter uuid, wanted_person uuid)
returns table (place text, held bigint)
language plpgsql stable security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  who bigint := (select u.id from accounts_user u where u.public_id = wanted_person);
begin
  if not (auth.has_role('auditor') or auth.has_role('privacy_officer')) then
    return;
  end if;
  return query
    with conversation as (
      select c.id from chat_conversation c
       where c.matter_id = wanted_matter or c.owner_id = who),
    question as (
      select q.id from chat_question q where q.conversation_id in (select id from conversation)),
    answer as (
      select a.id from chat_answer a where a.question_id in (select id from question)),
    document as (
      select d.id from documents_document d
       where d.matter_id = wanted_matter or d.created_by_id = who)
    select 'conversations', count(*) from conversation
    union all select 'questions', count(*) from question
    union all select 'answers', count(*) from answer
    union all select 'passages shown', count(*) from chat_evidence e
      where e.answer_id in (select id from answer)
    union all select 'feedback', count(*) from chat_feedback f
      where f.answer_id in (select id from answer)
    union all select 'documents', count(*) from document
    union all select 'passages to search', count(*) from documents_passage p
      where p.document_id in (select id from document);
end $$;

revoke all on function auth.is_barred(uuid, uuid[]), auth.remains_of(uuid, uuid) from public;
grant execute on function auth.is_barred(uuid, uuid[]), auth.remains_of(uuid, uuid) to {app};
"""

BACKWARDS = """
drop function auth.is_barred(uuid, uuid[]), auth.remains_of(uuid, uuid);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0004_answers_rest_on_documents"),
        ("access", "0009_rules_are_explained"),
        ("documents", "0004_documents_have_labels"),
    ]
    operations = [run_sql(FORWARDS, BACKWARDS)]
