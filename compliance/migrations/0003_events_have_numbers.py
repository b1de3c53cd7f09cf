"""The ledger's tables: numbers, tiles, roots, signed heads, cosignatures, alarms.

Each is written by one role of its own and by no other, and only ever grows: the sequencer numbers,
the signer signs. The application's role has a right to none of them; auditors read through it.
"""

from typing import Any, ClassVar

import django.utils.timezone
from django.db import migrations, models

from compliance.ledger.sql import run_sql

# What is to be numbered is said by the trigger, so that the sequencer needs no right to events.
PENDING = r"""
ALTER TABLE compliance_pending ADD COLUMN recorded_at timestamptz, ADD COLUMN leaf bytea,
    ADD COLUMN writer uuid, ADD COLUMN seq bigint;
-- Its rows live for a fifth of a second: what they leave behind is cleared away often.
ALTER TABLE compliance_pending SET (autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_insert_threshold = -1);
-- What was revoked from the application was revoked from an owner that is the same role.
GRANT SELECT, UPDATE, TRIGGER ON compliance_pending TO {owner};
ALTER TABLE compliance_event NO FORCE ROW LEVEL SECURITY;
UPDATE compliance_pending p SET recorded_at = e.recorded_at, leaf = e.leaf
  FROM compliance_event e WHERE e.event_id = p.event_id;
ALTER TABLE compliance_event FORCE ROW LEVEL SECURITY;
REVOKE UPDATE ON compliance_pending FROM {owner};
ALTER TABLE compliance_pending ALTER COLUMN recorded_at SET NOT NULL,
    ALTER COLUMN leaf SET NOT NULL;
"""

# One trigger instead of two: the header is read once, and half the time is saved. It runs as the
# owner of the tables, so that the application needs no right to any other of them. What it writes
# before the row is written goes with the statement, should that be refused.
SEAL = r"""
CREATE OR REPLACE FUNCTION compliance_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    said jsonb := convert_from(NEW.header, 'UTF8')::jsonb;
BEGIN
    IF (said->>'v' = '1' AND said->>'type' ~ '^[a-z_]+[.][a-z_]+$'
        AND said->>'salt' ~ '^[0-9a-f]{{32}}$' AND said->>'time'
            ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:]{{8}}[.][0-9]{{6}}Z$') IS NOT TRUE
    THEN
        RAISE EXCEPTION 'not the header of an event' USING ERRCODE = 'check_violation';
    END IF;
    -- Every column is taken from the header, whatever the client sent: they cannot differ.
    NEW.event_id := said->>'id';
    NEW.recorded_at := said->>'time';
    NEW.type := said->>'type';
    NEW.actor := said->>'actor';
    NEW.session := said->>'session';
    NEW.request := said->>'request';
    NEW.object := said->>'object';
    NEW.matter := said->>'matter';
    NEW.outcome := said->>'outcome';
    NEW.leaf := sha256('\x00'::bytea || NEW.header);
    IF NEW.recorded_at NOT BETWEEN clock_timestamp() - interval '5 minutes'
        AND clock_timestamp() + interval '5 minutes'
    THEN
        RAISE EXCEPTION 'the event and the database differ by more than 5 minutes in time'
            USING ERRCODE = 'check_violation', HINT = 'Set the clocks of both hosts.';
    END IF;
    INSERT INTO {schema}.compliance_pending (event_id, recorded_at, leaf, writer, seq)
        VALUES (NEW.event_id, NEW.recorded_at, NEW.leaf, (said->>'writer')::uuid,
                (said->>'seq')::bigint);
    IF said ? 'emergency'
        OR said->>'fields' ~ '"[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}"'
    THEN
        INSERT INTO {schema}.compliance_mention (object, event_id)
            SELECT NEW.object, NEW.event_id WHERE NEW.object IS NOT NULL
            UNION
            SELECT (said->>'emergency')::uuid, NEW.event_id WHERE said ? 'emergency'
            UNION
            SELECT (named #>> '{{}}')::uuid, NEW.event_id
                FROM jsonb_path_query(said, 'strict $.fields.** ? (@.type() == "string"
                    && @ like_regex "^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$")') named;
    ELSIF NEW.object IS NOT NULL THEN
        INSERT INTO {schema}.compliance_mention (object, event_id)
            VALUES (NEW.object, NEW.event_id);
    END IF;
    RETURN NEW;
END $body$;
REVOKE ALL ON FUNCTION compliance_seal() FROM PUBLIC;
DROP TRIGGER follow ON compliance_event;
DROP FUNCTION compliance_follow();
-- Where nobody has been entered, which is most often, no function is called to find that out.
ALTER POLICY "everybody writes" ON compliance_event
    WITH CHECK (actor IS NULL OR coalesce(current_setting('cloister.identity', true), '') = ''
                OR auth.uid() IS NULL OR actor = auth.person());
"""

KEEP = "".join(
    f"""
CREATE TRIGGER keep BEFORE {verbs} ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION compliance_keep();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER keep;
"""
    for table, verbs in (
        ("compliance_leaf", "UPDATE OR DELETE OR TRUNCATE"),
        ("compliance_tile", "UPDATE OR DELETE OR TRUNCATE"),
        ("compliance_root", "UPDATE OR DELETE OR TRUNCATE"),
        ("compliance_checkpoint", "UPDATE OR DELETE OR TRUNCATE"),
        ("compliance_cosignature", "UPDATE OR DELETE OR TRUNCATE"),
        ("compliance_alarm", "DELETE OR TRUNCATE"),
        ("compliance_pending", "UPDATE OR TRUNCATE"),
    )
)

SEQUENCED = ("compliance_leaf", "compliance_tile", "compliance_root")
SIGNED = ("compliance_checkpoint", "compliance_cosignature")
ALL = (*SEQUENCED, *SIGNED, "compliance_alarm")

SECURE = "".join(
    f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
REVOKE ALL ON {table} FROM PUBLIC, {{app}}, {{signin}};
CREATE POLICY "auditors read" ON {table} FOR SELECT TO {{app}}
    USING ((SELECT auth.has_role('auditor')));
GRANT SELECT ON {table} TO {{app}}, {{sequencer}}, {{signer}};
CREATE POLICY "the sequencer reads" ON {table} FOR SELECT TO {{sequencer}}
    USING ({{sequencer_works}});
CREATE POLICY "the signer reads" ON {table} FOR SELECT TO {{signer}} USING ({{signer_works}});
"""
    for table in ALL
)

WRITERS = "".join(
    f"""
GRANT INSERT ON {table} TO {{{role}}};
CREATE POLICY "the {role} writes" ON {table} FOR INSERT TO {{{role}}}
    WITH CHECK ({{{role}_works}});
"""
    for role, tables in (("sequencer", SEQUENCED), ("signer", SIGNED))
    for table in tables
)

# What the ledger's processes may do with events: tell of themselves, and the signer reads them all.
EVENTS = """
GRANT USAGE ON SCHEMA {schema} TO {sequencer}, {signer};
GRANT SELECT, DELETE ON compliance_pending TO {sequencer};
GRANT SELECT ON compliance_pending, compliance_event, compliance_mention TO {signer};
GRANT INSERT (event_id, header, mac) ON compliance_event TO {sequencer}, {signer};
CREATE POLICY "the sequencer tells of itself" ON compliance_event FOR INSERT TO {sequencer}
    WITH CHECK ({sequencer_works} AND actor IS NULL AND type ~ '^(system|ledger)[.]');
CREATE POLICY "the signer tells of itself" ON compliance_event FOR INSERT TO {signer}
    WITH CHECK ({signer_works} AND actor IS NULL AND type ~ '^(system|ledger)[.]');
CREATE POLICY "the signer reads" ON compliance_event FOR SELECT TO {signer} USING ({signer_works});
CREATE POLICY "the signer reads" ON compliance_mention FOR SELECT TO {signer}
    USING ({signer_works});
GRANT EXECUTE ON FUNCTION compliance_make_months(int) TO {sequencer};
GRANT SELECT ON compliance_event_other TO {signer};
CREATE POLICY "the signer reads" ON compliance_event_other FOR SELECT TO {signer}
    USING ({signer_works});
"""

ALARMS = """
GRANT SELECT, INSERT, UPDATE ON compliance_alarm TO {owner};
CREATE POLICY "alarms are kept" ON compliance_alarm TO {owner}
    USING ({working}) WITH CHECK ({working});

-- True when nobody had noticed before: then the caller records it, in the same transaction.
CREATE FUNCTION compliance_raise(wanted text, about text, counts jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    INSERT INTO {schema}.compliance_alarm (kind, subject, since, seen_at, detail)
        VALUES (wanted, about, clock_timestamp(), clock_timestamp(), counts)
        ON CONFLICT (kind, subject) WHERE cleared_at IS NULL DO NOTHING;
    IF FOUND THEN
        RETURN true;
    END IF;
    UPDATE {schema}.compliance_alarm SET seen_at = clock_timestamp(), detail = counts
     WHERE kind = wanted AND subject = about AND cleared_at IS NULL
       AND seen_at < clock_timestamp() - interval '30 seconds';
    RETURN false;
END $body$;

-- True when there was such an alarm and it is over now.
CREATE FUNCTION compliance_clear(wanted text, about text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $body$
BEGIN
    UPDATE {schema}.compliance_alarm SET cleared_at = clock_timestamp()
     WHERE kind = wanted AND subject = about AND cleared_at IS NULL;
    RETURN FOUND;
END $body$;
REVOKE ALL ON FUNCTION compliance_raise(text, text, jsonb), compliance_clear(text, text)
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION compliance_raise(text, text, jsonb) TO {sequencer}, {signer}, {app};
GRANT EXECUTE ON FUNCTION compliance_clear(text, text) TO {sequencer}, {signer};
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("compliance", "0002_the_record_has_months")
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Leaf",
            fields=[
                ("idx", models.BigIntegerField(primary_key=True, serialize=False)),
                ("event_id", models.UUIDField(unique=True)),
                ("leaf", models.BinaryField()),
            ],
            options={"db_table": "compliance_leaf"},
        ),
        migrations.CreateModel(
            name="Tile",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "level",
                        "n",
                        "width",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("level", models.SmallIntegerField()),
                ("n", models.BigIntegerField()),
                ("width", models.SmallIntegerField()),
                ("data", models.BinaryField()),
            ],
            options={"db_table": "compliance_tile"},
        ),
        migrations.CreateModel(
            name="Root",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
                ("sequenced_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"db_table": "compliance_root"},
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("size", models.BigIntegerField(primary_key=True, serialize=False)),
                ("root", models.BinaryField()),
                ("note", models.TextField()),
                ("signed_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"db_table": "compliance_checkpoint"},
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "size",
                        "witness",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("size", models.BigIntegerField()),
                ("witness", models.TextField()),
                ("line", models.TextField()),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={"db_table": "compliance_cosignature"},
        ),
        migrations.CreateModel(
            name="Alarm",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.TextField()),
                ("subject", models.TextField(default="")),
                ("since", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("detail", models.JSONField(default=dict)),
                ("cleared_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "compliance_alarm",
                "constraints": [
                    models.UniqueConstraint(
                        fields=["kind", "subject"],
                        condition=models.Q(cleared_at__isnull=True),
                        name="one_alarm_at_a_time",
                    )
                ],
            },
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField("pending", "recorded_at", models.DateTimeField()),
                migrations.AddField("pending", "leaf", models.BinaryField()),
                migrations.AddField("pending", "writer", models.UUIDField(null=True)),
                migrations.AddField("pending", "seq", models.BigIntegerField(null=True)),
            ]
        ),
        run_sql(PENDING, SEAL, KEEP, SECURE, WRITERS, EVENTS, ALARMS),
    ]
