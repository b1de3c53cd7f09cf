"""An answer is read for as long as every document that its evidence came from may be read.

So is each piece of evidence and each citation for its own document. What is hidden comes back when
the right does. An answer whose asker may no longer read it is ended by `auth.withhold`.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

from assistant.accounts.sql import run_sql

FORWARDS = r"""
create policy rests_on on chat_answer as restrictive to {app}
  using (auth.all_seen(rests_on, (select auth.bits()), (select auth.denied_bits())))
  with check (true);
create policy rests_on on chat_evidence as restrictive for select to {app}
  using (auth.all_seen(array[document_id], (select auth.bits()), (select auth.denied_bits())));
create policy rests_on on chat_citation as restrictive for select to {app}
  using (auth.all_seen(array[document_id], (select auth.bits()), (select auth.denied_bits())));

-- What was asked after an answer may repeat it, so it is hidden with it.
create policy after_an_answer on chat_question as restrictive for select to {app}
  using (follows_id is null
         or exists (select 1 from chat_answer a where a.id = follows_id));

-- The caller's conversations that hold something withheld: not even their titles are told.
create function auth.withheld_conversations() returns setof uuid
language sql stable security definer parallel restricted set search_path = pg_catalog, public, pg_temp
as $$
  select distinct q.conversation_id
    from (select auth.bits() as allowed, auth.denied_bits() as denied offset 0) mine,
         chat_answer a join chat_question q on q.id = a.question_id
   where a.owner_id = auth.uid() and not auth.all_seen(a.rests_on, mine.allowed, mine.denied)
$$;

update chat_answer a set rests_on = coalesce((
  select array_agg(distinct e.document_id) from chat_evidence e where e.answer_id = a.id), '{{}}');

-- Ends an answer that nobody may finish any more; nothing of its text stays.
-- Nobody is entered: whose session has ended cannot be. So the words are fixed.
-- Returns what the asker is told.
create function auth.withhold(wanted uuid, why text) returns text
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
declare
  said text := case why
    when 'session' then 'The session it was asked in ended or changed its purpose before the answer'
                        ' was ready. Ask it again.'
    else 'What you may see changed while this was being answered, so it was withheld.'
         ' Ask it again.' end;
begin
  delete from chat_evidence e using chat_answer a
   where a.id = wanted and e.answer_id = a.id and a.state in ('queued', 'answering');
  update chat_answer set state = 'refused', text = '', sentences = '[]', reason = said,
         finished_at = now()
   where id = wanted and state in ('queued', 'answering');
  return said;
end $$;
revoke all on function auth.withhold(uuid, text), auth.withheld_conversations() from public;
grant execute on function auth.withhold(uuid, text), auth.withheld_conversations() to {app};
"""

BACKWARDS = """
drop function auth.withhold(uuid, text);
drop function auth.withheld_conversations();
drop policy after_an_answer on chat_question;
drop policy rests_on on chat_citation;
drop policy rests_on on chat_evidence;
drop policy rests_on on chat_answer;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0003_answers_have_defaults'),
        ('documents', '0004_documents_have_labels'),
    ]

    operations = [
        migrations.AddField(
            model_name='answer',
            name='rests_on',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), db_default=[], default=list, help_text='documents its evidence was shown from', size=None),
        ),
        run_sql(FORWARDS, BACKWARDS),
    ]
