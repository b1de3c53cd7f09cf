"""A conversation is read by the person who has it, for as long as they may see its matter."""

from django.db import migrations

from assistant.accounts.sql import protect, run_sql, unprotect

MINE = "owner_id = (select auth.uid()) and get_bit((select auth.bits()), acl_group) = 1"

TABLES = (
    "chat_conversation",
    "chat_question",
    "chat_answer",
    "chat_evidence",
    "chat_citation",
    "chat_feedback",
)

FORWARDS = "".join(
    protect(table, read=MINE, insert=MINE, update=MINE, delete=MINE) for table in TABLES
)
FORWARDS += r"""
create trigger take_group before insert on chat_conversation
  for each row execute function auth.take_group();
grant select, insert, update, delete on chat_answerwork to {app};
create index work_to_watch on chat_answerwork (lease_until);
grant usage, select on sequence chat_evidence_id_seq, chat_citation_id_seq, chat_feedback_id_seq
  to {app};
"""

BACKWARDS = (
    "".join(unprotect(table) for table in TABLES)
    + """
drop trigger take_group on chat_conversation;
drop index work_to_watch;
revoke all on chat_answerwork from {app};
"""
)


class Migration(migrations.Migration):
    dependencies = [("chat", "0001_questions_have_answers")]
    operations = [run_sql(FORWARDS, BACKWARDS)]
