"""An answer is read for as long as every document that its evidence came from may be read.

So is each piece of evidence and each citation for its own document. What is hidden comes back when
the right does. An answer whose asker may no longer read it is ended by `auth.withhold`.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

from assistant.accounts.sql import run_sql

FORWARDS = r"""
create policy rests_on on chat_answer as restrictive to {app}
  using (auth.sees_documents(rests_on)) with check (true);
create policy rests_on on chat_evidence as restrictive for select to {app}
  using (auth.sees_documents(array[document_id]));
create policy rests_on on chat_citation as restrictive for select to {app}
  using (auth.sees_documents(array[document_id]));

update chat_answer a set rests_on = coalesce((
  select array_agg(distinct e.document_id) from chat_evidence e where e.answer_id = a.id), '{{}}');

-- Ends an answer that nobody may finish any more; nothing of its text stays.
create function auth.withhold(wanted uuid, why text) returns void
language sql security definer set search_path = pg_catalog, public, pg_temp as $$
  delete from chat_evidence e using chat_answer a
   where a.id = wanted and e.answer_id = a.id and a.state in ('queued', 'answering');
  update chat_answer set state = 'refused', text = '', sentences = '[]', reason = why,
         finished_at = now()
   where id = wanted and state in ('queued', 'answering')
$$;
revoke all on function auth.withhold(uuid, text) from public;
grant execute on function auth.withhold(uuid, text) to {app};
"""

BACKWARDS = """
drop function auth.withhold(uuid, text);
drop policy rests_on on chat_citation;
drop policy rests_on on chat_evidence;
drop policy rests_on on chat_answer;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('chat', '0002_answers_are_for_who_asked'),
        ('documents', '0004_documents_have_labels'),
    ]

    operations = [
        migrations.AddField(
            model_name='answer',
            name='rests_on',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, help_text='documents its evidence was shown from', size=None),
        ),
        run_sql(FORWARDS, BACKWARDS),
    ]
