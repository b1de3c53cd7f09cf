"""The record in months: one partition each, found by the time that an event's id begins with.

The table is divided by `event_id` and not by `recorded_at`: an id of version 7 begins with its time,
so months are ranges of ids, and the id alone stays the primary key. An id that comes twice is seen
by that key, however long ago it came first, which a key of id and time together would not do.
"""

from typing import Any, ClassVar

from django.db import migrations, models

from compliance.ledger.sql import names, run_sql

TABLE = """
ALTER TABLE compliance_event RENAME TO compliance_event_before;
ALTER INDEX compliance_event_pkey RENAME TO compliance_event_before_pkey;
ALTER INDEX events_by_time RENAME TO before_by_time;
ALTER INDEX events_by_actor RENAME TO before_by_actor;
ALTER INDEX events_by_matter RENAME TO before_by_matter;
ALTER INDEX events_by_type RENAME TO before_by_type;
ALTER INDEX events_gone_wrong RENAME TO before_gone_wrong;

CREATE TABLE compliance_event (
    event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    type text NOT NULL,
    actor uuid,
    session uuid,
    request uuid,
    object uuid,
    matter uuid,
    outcome text NOT NULL,
    header bytea NOT NULL,
    leaf bytea NOT NULL,
    mac bytea,
    CONSTRAINT compliance_event_pkey PRIMARY KEY (event_id),
    CONSTRAINT a_mac_is_one CHECK (mac IS NULL OR octet_length(mac) = 32),
    CONSTRAINT an_id_has_its_time CHECK (get_byte(uuid_send(event_id), 6) >> 4 = 7)
) PARTITION BY RANGE (event_id);
CREATE INDEX events_by_time ON compliance_event (recorded_at DESC, event_id DESC);
CREATE INDEX events_by_actor ON compliance_event (actor, recorded_at DESC);
CREATE INDEX events_by_matter ON compliance_event (matter, recorded_at DESC);
CREATE INDEX events_by_type ON compliance_event (type, recorded_at DESC);
CREATE INDEX events_gone_wrong ON compliance_event (outcome, recorded_at DESC)
    WHERE outcome IN ('failed', 'refused');
"""

# Partitions belong to the owner of the tables. Whoever else asks for them goes through the second
# function. A partition is a table of its own for whoever names it: it is guarded like the whole.
MONTHS = r"""
CREATE FUNCTION compliance_first_id(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $body$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid
$body$;

CREATE FUNCTION compliance_guard_partition(part text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    one record;
BEGIN
    EXECUTE format('ALTER TABLE {schema}.%1$I ENABLE ROW LEVEL SECURITY', part);
    EXECUTE format('ALTER TABLE {schema}.%1$I FORCE ROW LEVEL SECURITY', part);
    EXECUTE format('CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.%1$I
        FOR EACH STATEMENT EXECUTE FUNCTION {schema}.compliance_keep()', part);
    EXECUTE format('ALTER TABLE {schema}.%1$I ENABLE ALWAYS TRIGGER keep', part);
    FOR one IN
        SELECT mine.relname AS name, above.relname || replace(part, 'compliance_event', '') AS new
          FROM pg_inherits i JOIN pg_class mine ON mine.oid = i.inhrelid
          JOIN pg_class above ON above.oid = i.inhparent
          JOIN pg_index x ON x.indexrelid = mine.oid
         WHERE x.indrelid = format('{schema}.%I', part)::regclass
    LOOP
        EXECUTE format('ALTER INDEX {schema}.%I RENAME TO %I', one.name, one.new);
    END LOOP;
END $body$;

CREATE FUNCTION compliance_make_month(first date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    part text := 'compliance_event_' || to_char(first, 'YYYY_MM');
    beginning timestamptz := first::timestamp AT TIME ZONE 'UTC';
    ending timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(format('{schema}.%I', part)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE {schema}.%I PARTITION OF {schema}.compliance_event
        FOR VALUES FROM (%L) TO (%L)', part,
        {schema}.compliance_first_id(beginning), {schema}.compliance_first_id(ending));
    PERFORM {schema}.compliance_guard_partition(part);
    RETURN true;
END $body$;

-- This month and the coming ones; tells how many were made. One at a time.
CREATE FUNCTION compliance_make_months(ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $body$
DECLARE
    first date := date_trunc('month', now() AT TIME ZONE 'UTC');
    made int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('cloister.months', 0));
    FOR i IN 0 .. least(greatest(ahead, 0), 24) LOOP
        made := made
            + {schema}.compliance_make_month((first + make_interval(months => i))::date)::int;
    END LOOP;
    RETURN made;
END $body$;
REVOKE ALL ON FUNCTION compliance_guard_partition(text), compliance_make_month(date),
    compliance_make_months(int) FROM PUBLIC;
"""

PARTITIONS = """
SELECT compliance_make_month(month::date)
  FROM generate_series(
    date_trunc('month', coalesce(
        (SELECT min(recorded_at) - interval '1 day' FROM compliance_event_before)
            AT TIME ZONE 'UTC',
        now() AT TIME ZONE 'UTC')),
    date_trunc('month', now() AT TIME ZONE 'UTC') + interval '3 months', interval '1 month') month;
-- What belongs to no month is kept here, so that it is not lost, and raises an alarm.
CREATE TABLE compliance_event_other PARTITION OF compliance_event DEFAULT;
SELECT compliance_guard_partition('compliance_event_other');
"""

MOVE = """
INSERT INTO compliance_event (event_id, recorded_at, type, actor, session, request, object, matter,
    outcome, header, leaf)
SELECT event_id, recorded_at, type, actor, session, request, object, matter, outcome, header, leaf
  FROM compliance_event_before;
"""

# ALWAYS: an ordinary trigger is silent while session_replication_role is 'replica'.
TRIGGERS = """
CREATE TRIGGER seal BEFORE INSERT ON compliance_event
    FOR EACH ROW EXECUTE FUNCTION compliance_seal();
CREATE TRIGGER follow AFTER INSERT ON compliance_event
    FOR EACH ROW EXECUTE FUNCTION compliance_follow();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_event
    FOR EACH STATEMENT EXECUTE FUNCTION compliance_keep();
ALTER TABLE compliance_event ENABLE ALWAYS TRIGGER seal;
ALTER TABLE compliance_event ENABLE ALWAYS TRIGGER follow;
ALTER TABLE compliance_event ENABLE ALWAYS TRIGGER keep;
ALTER TABLE compliance_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_event FORCE ROW LEVEL SECURITY;
"""

OPEN = "ALTER TABLE compliance_event_before NO FORCE ROW LEVEL SECURITY;"

# Apps above this one have added policies and rights of their own: all of them are taken along.
POLICIES = """
SELECT format('CREATE POLICY %%I ON compliance_event AS %%s FOR %%s TO %%s%%s%%s', policyname,
        permissive, cmd, (SELECT string_agg(CASE r WHEN 'public' THEN r ELSE quote_ident(r) END, ', ')
                            FROM unnest(roles) r),
        ' USING (' || qual || ')', ' WITH CHECK (' || with_check || ')')
  FROM pg_policies WHERE schemaname = current_schema() AND tablename = 'compliance_event_before'
"""
RIGHTS = """
SELECT format('GRANT %%s ON compliance_event TO %%s', privilege_type,
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
  FROM pg_class, aclexplode(relacl) WHERE oid = 'compliance_event_before'::regclass
UNION ALL
SELECT format('GRANT %%s (%%I) ON compliance_event TO %%s', privilege_type, attname,
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
  FROM pg_attribute, aclexplode(attacl) WHERE attrelid = 'compliance_event_before'::regclass
UNION ALL
-- The id is given beside the header, for the row to find its month; the trigger compares the two.
SELECT format('GRANT INSERT (event_id, mac) ON compliance_event TO %%s',
              quote_ident(pg_get_userbyid(grantee)))
  FROM pg_attribute, aclexplode(attacl)
 WHERE attrelid = 'compliance_event_before'::regclass AND attname = 'header'
   AND privilege_type = 'INSERT' AND grantee <> 0
"""


def take_along(apps: Any, schema_editor: Any) -> None:
    """Give the new table every policy and right of the old one, and drop the old one."""
    owner = names(schema_editor)["owner"]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(POLICIES, [])
        statements = [row[0] for row in cursor.fetchall()]
        # An owner has every right to a new table, until told otherwise.
        statements.append(f"REVOKE ALL ON compliance_event FROM {owner}")
        cursor.execute(RIGHTS, [])
        statements += [row[0] for row in cursor.fetchall()]
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("DROP TABLE compliance_event_before")


class Migration(migrations.Migration):
    # Those of the apps above that gave rights to the record: they are taken along.
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("compliance", "0001_the_record"),
        ("accounts", "0005_people_have_a_clearance"),
        ("access", "0009_rules_are_explained"),
    ]

    operations: ClassVar[list[Any]] = [
        run_sql(TABLE),
        run_sql(MONTHS),
        run_sql(OPEN, PARTITIONS, MOVE, TRIGGERS),
        migrations.RunPython(take_along),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField("recordedevent", "mac", models.BinaryField(null=True))
            ]
        ),
    ]
