"""The record: events that can be added and read, and never changed."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import migrations, models

# The largest difference between the clock that wrote a header and the database's.
CLOCK_SKEW = "5 minutes"

SEAL = f"""
CREATE FUNCTION compliance_seal() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    said jsonb := convert_from(NEW.header, 'UTF8')::jsonb;
BEGIN
    IF said->>'v' IS DISTINCT FROM '1'
        OR coalesce(said->>'type', '') !~ '^[a-z_]+[.][a-z_]+$'
        OR coalesce(said->>'salt', '') !~ '^[0-9a-f]{{32}}$'
        OR coalesce(said->>'time', '')
            !~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:]{{8}}[.][0-9]{{6}}Z$'
    THEN
        RAISE EXCEPTION 'not the header of an event' USING ERRCODE = 'check_violation';
    END IF;
    -- Every column is taken from the header, whatever the client sent: they cannot differ.
    NEW.event_id := (said->>'id')::uuid;
    NEW.recorded_at := (said->>'time')::timestamptz;
    NEW.type := said->>'type';
    NEW.actor := (said->>'actor')::uuid;
    NEW.session := (said->>'session')::uuid;
    NEW.request := (said->>'request')::uuid;
    NEW.object := (said->>'object')::uuid;
    NEW.matter := (said->>'matter')::uuid;
    NEW.outcome := said->>'outcome';
    NEW.leaf := sha256('\\x00'::bytea || NEW.header);
    IF abs(extract(epoch FROM clock_timestamp() - NEW.recorded_at))
        > extract(epoch FROM interval '{CLOCK_SKEW}')
    THEN
        RAISE EXCEPTION 'the event and the database differ by more than {CLOCK_SKEW} in time'
            USING ERRCODE = 'check_violation', HINT = 'Set the clocks of both hosts.';
    END IF;
    RETURN NEW;
END $body$;
"""

# Runs as the owner of the tables, so that the application needs no right to either of them.
FOLLOW = r"""
CREATE FUNCTION compliance_follow() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    said jsonb := convert_from(NEW.header, 'UTF8')::jsonb;
BEGIN
    INSERT INTO {schema}.compliance_pending (event_id) VALUES (NEW.event_id);
    INSERT INTO {schema}.compliance_mention (object, event_id)
        SELECT NEW.object, NEW.event_id WHERE NEW.object IS NOT NULL
        UNION
        SELECT (said->>'emergency')::uuid, NEW.event_id WHERE said ? 'emergency'
        UNION
        SELECT (named #>> '{{}}')::uuid, NEW.event_id
            FROM jsonb_path_query(said, 'strict $.fields.** ? (@.type() == "string"
                && @ like_regex "^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$")') AS named;
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION compliance_follow() FROM PUBLIC;
"""

KEEP = """
CREATE FUNCTION compliance_keep() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
    RAISE EXCEPTION 'the record only grows: % on % was refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $body$;
"""

# ALWAYS: an ordinary trigger is silent while session_replication_role is 'replica'.
TRIGGERS = """
CREATE TRIGGER seal BEFORE INSERT ON compliance_event
    FOR EACH ROW EXECUTE FUNCTION compliance_seal();
CREATE TRIGGER follow AFTER INSERT ON compliance_event
    FOR EACH ROW EXECUTE FUNCTION compliance_follow();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_event
    FOR EACH STATEMENT EXECUTE FUNCTION compliance_keep();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_mention
    FOR EACH STATEMENT EXECUTE FUNCTION compliance_keep();
ALTER TABLE compliance_event ENABLE ALWAYS TRIGGER seal;
ALTER TABLE compliance_event ENABLE ALWAYS TRIGGER follow;
ALTER TABLE compliance_event ENABLE ALWAYS TRIGGER keep;
ALTER TABLE compliance_mention ENABLE ALWAYS TRIGGER keep;
"""

# The role check is a sub-select so that it runs once a statement and not once a row.
RIGHTS = """
ALTER TABLE compliance_event ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_event FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_mention ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_mention FORCE ROW LEVEL SECURITY;
-- A transaction that has taken on a person's identity can name no other person as the actor.
CREATE POLICY "everybody writes" ON compliance_event FOR INSERT TO {app}
    WITH CHECK (actor IS NULL OR auth.uid() IS NULL OR actor = auth.person());
CREATE POLICY "the trigger writes" ON compliance_mention FOR INSERT TO {owner} WITH CHECK (true);
CREATE POLICY "auditors read" ON compliance_event FOR SELECT TO {app}
    USING ((SELECT auth.has_role('auditor')));
CREATE POLICY "auditors read" ON compliance_mention FOR SELECT TO {app}
    USING ((SELECT auth.has_role('auditor')));
REVOKE ALL ON compliance_event, compliance_mention, compliance_pending FROM PUBLIC, {app}, {signin};
GRANT INSERT (header) ON compliance_event TO {app};
GRANT SELECT ON compliance_event, compliance_mention TO {app};
"""


def guard(apps: Any, schema_editor: Any) -> None:
    """Lay down triggers, policies and rights, for the roles this installation uses."""
    roles: dict[str, str] = settings.CLOISTER_DB_ROLES
    names = {role: schema_editor.quote_name(name) for role, name in roles.items()}
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        names["schema"] = cursor.fetchone()[0]
    for statement in (SEAL, FOLLOW.format(**names), KEEP, TRIGGERS, RIGHTS.format(**names)):
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    initial = True

    # The policies call auth.has_role, which that migration makes.
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("accounts", "0002_the_database_knows_who_asks")
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="RecordedEvent",
            fields=[
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                ("recorded_at", models.DateTimeField()),
                ("type", models.TextField()),
                ("actor", models.UUIDField(null=True)),
                ("session", models.UUIDField(null=True)),
                ("request", models.UUIDField(null=True)),
                ("object", models.UUIDField(null=True)),
                ("matter", models.UUIDField(null=True)),
                ("outcome", models.TextField()),
                ("header", models.BinaryField()),
                ("leaf", models.BinaryField()),
            ],
            options={
                "db_table": "compliance_event",
                "indexes": [
                    models.Index(fields=["-recorded_at", "-event_id"], name="events_by_time"),
                    models.Index(fields=["actor", "-recorded_at"], name="events_by_actor"),
                    models.Index(fields=["matter", "-recorded_at"], name="events_by_matter"),
                    models.Index(fields=["type", "-recorded_at"], name="events_by_type"),
                    models.Index(
                        fields=["outcome", "-recorded_at"],
                        condition=models.Q(outcome__in=["failed", "refused"]),
                        name="events_gone_wrong",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Mention",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "object",
                        "event_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("object", models.UUIDField()),
                ("event_id", models.UUIDField()),
            ],
            options={"db_table": "compliance_mention"},
        ),
        migrations.CreateModel(
            name="Pending",
            fields=[("event_id", models.UUIDField(primary_key=True, serialize=False))],
            options={"db_table": "compliance_pending"},
        ),
        migrations.RunPython(guard),
    ]
