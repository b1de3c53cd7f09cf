"""Lists of a matter's people name those who see it: a member behind a wall is in none of them.

No page tells of the wall itself: somebody who is not named may also have left.
"""

from django.db import migrations

from assistant.accounts.sql import run_sql

FORWARDS = r"""
-- Whether a person sees anything of a matter that the caller sees as well.
create function auth.sees(person bigint, wanted uuid) returns boolean
language sql stable security definer parallel restricted set search_path = pg_catalog, pg_temp
as $$
  select exists (select 1 from auth.acl_group g join auth.rights r on g.id = any (r.groups)
                  where g.matter = wanted and r.uid = person and g.id = any (auth.my_groups()))
$$;
revoke all on function auth.sees(bigint, uuid) from public;
grant execute on function auth.sees(bigint, uuid) to {app};
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0003_walls_keep_people_apart")]

    operations = [run_sql(FORWARDS, "drop function auth.sees(bigint, uuid);")]
