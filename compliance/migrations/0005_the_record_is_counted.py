"""How many events there are of what, kept beside the record, and privacy officers who read it too.

Counting millions of events takes seconds, so whoever searches would wait. A tally is kept instead:
for each hour and day by action and outcome; for each day and month by person and by matter, for each
month by action and outcome as well. What one person did is counted from an index that holds all that
is counted by. The tally is taken from the record and can be taken anew at any time; it is no evidence.
"""

from typing import Any, ClassVar

from django.conf import settings
from django.db import migrations, models

TABLES = """
CREATE TABLE compliance_tally (
    span text NOT NULL CHECK (span IN ('hour', 'day')),
    begins timestamptz NOT NULL,
    type text NOT NULL,
    outcome text NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (span, begins, type, outcome) INCLUDE (events)
);
-- `who` is null for what nobody did, or what belongs to no matter; type and outcome are for 'kind'.
CREATE TABLE compliance_tally_who (
    side text NOT NULL CHECK (side IN ('actor', 'matter')),
    span text NOT NULL CHECK (span IN ('day', 'month', 'kind')),
    begins timestamptz NOT NULL,
    type text,
    outcome text,
    who uuid,
    events bigint NOT NULL
);
CREATE UNIQUE INDEX tally_by_who ON compliance_tally_who
    (side, span, begins, type, outcome, who) INCLUDE (events) NULLS NOT DISTINCT;

-- Everything recorded before `until` is counted. `next` is counted up to when every transaction
-- that was open at `fence` has ended.
CREATE TABLE compliance_tallied (
    id int PRIMARY KEY CHECK (id = 1),
    until timestamptz NOT NULL DEFAULT '-infinity',
    next timestamptz,
    fence xid8
);
INSERT INTO compliance_tallied (id) VALUES (1);
"""

# An event is written at most five minutes from its own time (compliance_seal), but its transaction
# may commit much later. So a time is counted up to only when nobody can add to what lies before it:
# six minutes after it a fence is noted, a transaction id of that moment; once all transactions
# before it have ended, everything recorded before that time is visible, and no more of it will come.
COUNT = """
CREATE FUNCTION compliance_count() RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    reached timestamptz;
BEGIN
    PERFORM set_config('cloister.counting', 'on', true);
    reached := {schema}.compliance_count_on();
    PERFORM set_config('cloister.counting', '', true);
    RETURN reached;
END $body$;

CREATE FUNCTION compliance_count_on() RETURNS timestamptz
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    done timestamptz;
    goal timestamptz;
    fenced xid8;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('cloister.tally', 0)) THEN
        RETURN NULL;
    END IF;
    SELECT until, next, fence INTO done, goal, fenced FROM {schema}.compliance_tallied;
    IF goal IS NULL THEN
        -- This transaction's own id: every other that has one by now has a smaller one. (The end of
        -- a snapshot is no fence: it is one past the newest that has ended.)
        UPDATE {schema}.compliance_tallied SET next = clock_timestamp() - interval '6 minutes',
            fence = pg_current_xact_id();
        RETURN done;
    END IF;
    IF pg_snapshot_xmin(pg_current_snapshot()) < fenced THEN
        RETURN done;
    END IF;
    IF done = '-infinity' THEN
        SELECT coalesce(min(recorded_at), goal) INTO done FROM {schema}.compliance_event;
    END IF;
    goal := least(goal, done + interval '7 days');
    WITH slice AS MATERIALIZED (
        SELECT date_trunc('hour', recorded_at, 'UTC') AS hour, type, outcome, actor, matter,
               count(*) AS events
          FROM {schema}.compliance_event WHERE recorded_at >= done AND recorded_at < goal
         GROUP BY 1, 2, 3, 4, 5),
    thin AS (
        INSERT INTO {schema}.compliance_tally AS t (span, begins, type, outcome, events)
        SELECT span, date_trunc(span, hour, 'UTC'), type, outcome, sum(events)
          FROM slice, unnest(ARRAY['hour', 'day']) AS span GROUP BY 1, 2, 3, 4
        ON CONFLICT (span, begins, type, outcome) DO UPDATE SET events = t.events + excluded.events)
    INSERT INTO {schema}.compliance_tally_who AS t
        (side, span, begins, type, outcome, who, events)
    SELECT side, span, date_trunc(CASE span WHEN 'day' THEN 'day' ELSE 'month' END, hour, 'UTC'),
           CASE span WHEN 'kind' THEN type END, CASE span WHEN 'kind' THEN outcome END,
           CASE side WHEN 'actor' THEN actor ELSE matter END, sum(events)
      FROM slice, unnest(ARRAY['actor', 'matter']) AS side,
           unnest(ARRAY['day', 'month', 'kind']) AS span
     GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (side, span, begins, type, outcome, who)
        DO UPDATE SET events = t.events + excluded.events;
    UPDATE {schema}.compliance_tallied SET until = goal,
        next = nullif(next, goal), fence = CASE WHEN next = goal THEN NULL ELSE fence END;
    RETURN goal;
END $body$;

-- For whoever keeps the house: forgets the tally, so that it is taken anew from the record.
CREATE FUNCTION compliance_count_anew() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    PERFORM set_config('cloister.counting', 'on', true);
    DELETE FROM {schema}.compliance_tally;
    DELETE FROM {schema}.compliance_tally_who;
    UPDATE {schema}.compliance_tallied SET until = '-infinity';
    PERFORM set_config('cloister.counting', '', true);
END $body$;
REVOKE ALL ON FUNCTION compliance_count(), compliance_count_on(), compliance_count_anew() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_count() TO {app};
"""

COUNTING = "(SELECT current_setting('cloister.counting', true)) = 'on'"

# The tally tells how much somebody did, which is for readers of the record alone.
RIGHTS = """
CREATE FUNCTION auth.reads_record() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $body$
    SELECT auth.has_role('auditor') OR auth.has_role('privacy_officer')
$body$;
REVOKE ALL ON FUNCTION auth.reads_record() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION auth.reads_record() TO {app};

ALTER TABLE compliance_tally ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_tally FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_tally_who ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_tally_who FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_tallied ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_tallied FORCE ROW LEVEL SECURITY;
REVOKE ALL ON compliance_tally, compliance_tally_who, compliance_tallied FROM PUBLIC, {signin};
GRANT SELECT ON compliance_tally, compliance_tally_who, compliance_tallied TO {app};
CREATE POLICY "readers read" ON compliance_tally FOR SELECT TO {app}
    USING ((SELECT auth.reads_record()));
CREATE POLICY "readers read" ON compliance_tally_who FOR SELECT TO {app}
    USING ((SELECT auth.reads_record()));
CREATE POLICY "readers read" ON compliance_tallied FOR SELECT TO {app}
    USING ((SELECT auth.reads_record()));
-- Within its functions. Where the application shares the owner's role it could pass for one of
-- them; such an application could switch row security off in any case.
CREATE POLICY "the owner counts" ON compliance_tally TO {owner}
    USING ({counting}) WITH CHECK ({counting});
CREATE POLICY "the owner counts" ON compliance_tally_who TO {owner}
    USING ({counting}) WITH CHECK ({counting});
CREATE POLICY "the owner counts" ON compliance_tallied TO {owner}
    USING ({counting}) WITH CHECK ({counting});
CREATE POLICY "the owner counts" ON compliance_event FOR SELECT TO {owner} USING ({counting});
"""

READERS = """
SELECT format('DROP POLICY "auditors read" ON %%1$I;
    CREATE POLICY "readers read" ON %%1$I FOR SELECT TO %%2$s
        USING ((SELECT auth.reads_record()))', tablename, %s)
  FROM pg_policies WHERE schemaname = current_schema() AND policyname = 'auditors read'
   AND tablename LIKE 'compliance%%'
"""


def lay(apps: Any, schema_editor: Any) -> None:
    """Make tables, functions and policies, for the roles this installation uses."""
    roles: dict[str, str] = settings.CLOISTER_DB_ROLES
    names = {role: schema_editor.quote_name(name) for role, name in roles.items()}
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        names |= {"schema": cursor.fetchone()[0], "counting": COUNTING}
        for statement in (TABLES, COUNT.format(**names), RIGHTS.format(**names)):
            cursor.execute(statement)
        cursor.execute(READERS, [names["app"]])
        for (statement,) in cursor.fetchall():
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("compliance", "0004_events_have_content")]

    operations: ClassVar[list[Any]] = [
        migrations.RunPython(lay),
        # What a person did, or what was done in a matter, is counted from these alone.
        migrations.RemoveIndex("recordedevent", "events_by_actor"),
        migrations.RemoveIndex("recordedevent", "events_by_matter"),
        migrations.AddIndex(
            "recordedevent",
            models.Index(
                fields=["actor", "-recorded_at"],
                include=["matter", "type", "outcome"],
                name="events_by_actor",
            ),
        ),
        migrations.AddIndex(
            "recordedevent",
            models.Index(
                fields=["matter", "-recorded_at"],
                include=["actor", "type", "outcome"],
                name="events_by_matter",
            ),
        ),
    ]
