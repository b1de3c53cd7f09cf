"""Documents and everything made of them are for the members of their matter.

The policy on the two search tables is the bit test measured in docs/architecture.md; the queries
also give the caller's groups to the index. Statistics for BM25 are kept for each group by
triggers, so that no word of a hidden document can be counted by anybody else.
"""

from django.db import migrations

from assistant.accounts.sql import protect, run_sql, unprotect

MINE = "get_bit((select auth.bits()), acl_group) = 1"

TABLES = (
    "documents_document",
    "documents_version",
    "documents_page",
    "documents_passage",
    "documents_passagevector",
    "documents_posting",
)

FORWARDS = "".join(
    protect(table, read=MINE, insert=MINE, update=MINE, delete=MINE) for table in TABLES
)
FORWARDS += r"""
create trigger take_group before insert on documents_document
  for each row execute function auth.take_group();

-- 9 rows a page instead of a detour through TOAST for each vector.
alter table documents_passagevector alter column embedding set storage plain;
create index passages_by_group_and_cell on documents_passagevector (acl_group, cell);
create index passages_by_digest on documents_passage (document_id, digest);
create index documents_of_a_matter on documents_document (matter_id) where deleted_at is null;

create function auth.count_passages() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    update auth.acl_group g set passages = g.passages + n.passages
      from (select acl_group, count(*) as passages from changed group by acl_group) n
     where g.id = n.acl_group;
  else
    update auth.acl_group g set passages = g.passages - n.passages
      from (select acl_group, count(*) as passages from changed group by acl_group) n
     where g.id = n.acl_group;
  end if;
  return null;
end $$;
create trigger count_added after insert on documents_passagevector
  referencing new table as changed for each statement execute function auth.count_passages();
create trigger count_removed after delete on documents_passagevector
  referencing old table as changed for each statement execute function auth.count_passages();

create function auth.count_words() returns trigger
language plpgsql security definer set search_path = pg_catalog, public, pg_temp as $$
begin
  if tg_op = 'INSERT' then
    update auth.acl_group g set words = g.words + n.words
      from (select acl_group, sum(frequency) as words from changed group by acl_group) n
     where g.id = n.acl_group;
  else
    update auth.acl_group g set words = g.words - n.words
      from (select acl_group, sum(frequency) as words from changed group by acl_group) n
     where g.id = n.acl_group;
  end if;
  return null;
end $$;
create trigger count_added after insert on documents_posting
  referencing new table as changed for each statement execute function auth.count_words();
create trigger count_removed after delete on documents_posting
  referencing old table as changed for each statement execute function auth.count_words();

revoke all on function auth.count_passages(), auth.count_words() from public;
grant select, insert, update, delete on documents_ingestwork to {app};
grant usage, select on sequence documents_passage_id_seq, documents_page_id_seq to {app};
create index postings_of_a_passage on documents_posting (passage_id);
"""

BACKWARDS = (
    "".join(unprotect(table) for table in TABLES)
    + """
drop index postings_of_a_passage;
drop trigger count_added on documents_posting;
drop trigger count_removed on documents_posting;
drop trigger count_added on documents_passagevector;
drop trigger count_removed on documents_passagevector;
drop function auth.count_words(), auth.count_passages();
drop index passages_by_group_and_cell, passages_by_digest, documents_of_a_matter;
drop trigger take_group on documents_document;
revoke all on documents_ingestwork from {app};
"""
)


class Migration(migrations.Migration):
    dependencies = [("documents", "0001_documents_have_passages")]
    operations = [run_sql(FORWARDS, BACKWARDS)]
