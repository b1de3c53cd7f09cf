"""People have a clearance, and the purposes they may choose."""

import django.contrib.postgres.fields
from django.db import migrations, models

from assistant.accounts.sql import run_sql

FORWARDS = """
-- What rights are made of is for administrators to change, in a session of theirs.
create function auth.keep_rights() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
  -- Two steps: the sign-in role may not ask for roles.
  if auth.is_application() then
    if not auth.has_role('administrator') then
      raise exception 'only administrators say what somebody may do'
        using errcode = 'insufficient_privilege';
    end if;
  end if;
  return new;
end $$;
create trigger keep_rights before update on accounts_user for each row
  when (old.roles is distinct from new.roles or old.clearance is distinct from new.clearance
        or old.purposes is distinct from new.purposes)
  execute function auth.keep_rights();
revoke all on function auth.keep_rights() from public;
"""

BACKWARDS = """
drop trigger keep_rights on accounts_user;
drop function auth.keep_rights();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_people_are_known_elsewhere'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='clearance',
            field=models.PositiveSmallIntegerField(choices=[(0, 'Internal'), (1, 'Confidential'), (2, 'Strictly confidential')], default=1),
        ),
        migrations.AddField(
            model_name='user',
            name='purposes',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=40), default=list, help_text='may be chosen; empty: any', size=None),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('roles__contains', ['auditor', 'privacy_officer']), _negated=True), name='an_auditor_opens_and_closes_nothing'),
        ),
        run_sql(FORWARDS, BACKWARDS),
    ]
