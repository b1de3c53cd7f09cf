"""Readers of the record ask for a matter by the reference on its file, and are told it beside ids.

They see no more of a matter than its reference, and not even that where a barrier keeps them out.
"""

from typing import ClassVar

from django.db import migrations

from assistant.accounts.sql import run_sql

FORWARDS = r"""
create function auth.matters_called(wanted text[])
returns table (matter uuid, reference text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.id, m.reference::text from access_matter m
   where (auth.has_role('auditor') or auth.has_role('privacy_officer'))
     and lower(m.reference) = any (select lower(w) from unnest(wanted) w)
     and get_bit((select auth.denied_bits()), m.acl_group) = 0
$$;

create function auth.references_of(matters uuid[])
returns table (matter uuid, reference text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.id, m.reference::text from access_matter m
   where (auth.has_role('auditor') or auth.has_role('privacy_officer'))
     and m.id = any (matters)
     and get_bit((select auth.denied_bits()), m.acl_group) = 0
$$;

create function auth.references_like(beginning text)
returns table (matter uuid, reference text)
language sql stable security definer set search_path = pg_catalog, public, pg_temp as $$
  select m.id, m.reference::text from access_matter m
   where (auth.has_role('auditor') or auth.has_role('privacy_officer'))
     and starts_with(lower(m.reference), lower(beginning))
     and get_bit((select auth.denied_bits()), m.acl_group) = 0
   order by m.reference limit 8
$$;

revoke all on function auth.matters_called(text[]), auth.references_of(uuid[]),
  auth.references_like(text) from public;
grant execute on function auth.matters_called(text[]), auth.references_of(uuid[]),
  auth.references_like(text) to {app};
"""

BACKWARDS = """
drop function auth.matters_called(text[]), auth.references_of(uuid[]), auth.references_like(text);
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("access", "0010_unlocked_content_is_noticed")
    ]
    operations: ClassVar[list[migrations.RunPython]] = [run_sql(FORWARDS, BACKWARDS)]
