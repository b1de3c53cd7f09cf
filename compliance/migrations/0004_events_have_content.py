"""Texts of events as ciphertext, holds that keep them, and erasures that two people decide."""

from typing import Any, ClassVar

from django.db import migrations, models

from compliance.ledger.sql import run_sql

# Runs for the events that have content alone: the condition of its trigger looks at the bytes.
COMMIT = """
CREATE FUNCTION compliance_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
    wanted text := convert_from(NEW.header, 'UTF8')::jsonb ->> 'content';
BEGIN
    IF wanted IS NOT NULL AND NOT EXISTS (
        SELECT FROM {schema}.compliance_content c
         WHERE c.event_id = NEW.event_id AND c.sha256 = decode(wanted, 'hex'))
    THEN
        RAISE EXCEPTION 'the header of this event commits to content that is not there'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $body$;
REVOKE ALL ON FUNCTION compliance_commit() FROM PUBLIC;
"""

TRIGGERS = """
-- What was revoked from the application was revoked from an owner that is the same role.
GRANT TRIGGER ON compliance_event TO {owner};
CREATE TRIGGER commit_content AFTER INSERT ON compliance_event FOR EACH ROW
    WHEN (position('"content":"'::bytea IN NEW.header) > 0)
    EXECUTE FUNCTION compliance_commit();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_content
    FOR EACH STATEMENT EXECUTE FUNCTION compliance_keep();
CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON compliance_erased
    FOR EACH STATEMENT EXECUTE FUNCTION compliance_keep();
ALTER TABLE compliance_event ENABLE ALWAYS TRIGGER commit_content;
ALTER TABLE compliance_content ENABLE ALWAYS TRIGGER keep;
ALTER TABLE compliance_erased ENABLE ALWAYS TRIGGER keep;
-- Ciphertext has no pattern: trying to compress it is lost time.
ALTER TABLE compliance_content ALTER COLUMN ciphertext SET STORAGE EXTERNAL;
"""

READERS = "((SELECT auth.has_role('auditor')) OR (SELECT auth.has_role('privacy_officer')))"
OFFICER = "(SELECT auth.has_role('privacy_officer'))"
AUDITOR = "(SELECT auth.has_role('auditor'))"
SELF = "(SELECT auth.person())"

# The operator on the host writes as the owner, as for the events themselves. Owner's functions read
# one row inside the trigger that compares it with its event.
RIGHTS = f"""
ALTER TABLE compliance_content ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_content FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_hold FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_erasure ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_erasure FORCE ROW LEVEL SECURITY;
ALTER TABLE compliance_erased ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_erased FORCE ROW LEVEL SECURITY;
REVOKE ALL ON compliance_content, compliance_hold, compliance_erasure, compliance_erased
    FROM PUBLIC, {{app}}, {{signin}};

CREATE POLICY "everybody writes" ON compliance_content FOR INSERT TO {{app}} WITH CHECK (true);
CREATE POLICY "the operator writes" ON compliance_content FOR INSERT TO {{owner}} WITH CHECK (true);
CREATE POLICY "the trigger compares" ON compliance_content FOR SELECT TO {{owner}}
    USING (pg_trigger_depth() > 0);
CREATE POLICY "auditors and privacy officers read" ON compliance_content FOR SELECT TO {{app}}
    USING {READERS};
GRANT INSERT (event_id, key_id, ciphertext), SELECT ON compliance_content TO {{app}};

CREATE POLICY "privacy officers read" ON compliance_event FOR SELECT TO {{app}} USING ({OFFICER});
CREATE POLICY "privacy officers read" ON compliance_mention FOR SELECT TO {{app}}
    USING ({OFFICER});

CREATE POLICY "auditors and privacy officers read" ON compliance_hold FOR SELECT TO {{app}}
    USING {READERS};
CREATE POLICY "privacy officers place" ON compliance_hold FOR INSERT TO {{app}}
    WITH CHECK ({OFFICER} AND placed_by = {SELF} AND lifted_at IS NULL);
CREATE POLICY "privacy officers lift" ON compliance_hold FOR UPDATE TO {{app}}
    USING ({OFFICER} AND lifted_at IS NULL) WITH CHECK (lifted_by = {SELF});
GRANT SELECT, INSERT, UPDATE (lifted_by, lifted_at) ON compliance_hold TO {{app}};

-- A privacy officer, who lets people in by break-glass, asks; an auditor, who does not, approves.
CREATE POLICY "auditors and privacy officers read" ON compliance_erasure FOR SELECT TO {{app}}
    USING {READERS};
CREATE POLICY "privacy officers ask" ON compliance_erasure FOR INSERT TO {{app}}
    WITH CHECK ({OFFICER} AND asked_by = {SELF} AND approved_at IS NULL AND done_at IS NULL);
CREATE POLICY "auditors approve" ON compliance_erasure FOR UPDATE TO {{app}}
    USING ({AUDITOR} AND asked_by <> {SELF} AND done_at IS NULL)
    WITH CHECK (approved_by = {SELF} AND approved_at IS NOT NULL);
GRANT SELECT, INSERT, UPDATE (approved_by, approved_at, done_at, certificate)
    ON compliance_erasure TO {{app}};

CREATE POLICY "auditors and privacy officers read" ON compliance_erased FOR SELECT TO {{app}}
    USING {READERS};
CREATE POLICY "auditors approve" ON compliance_erased FOR INSERT TO {{app}} WITH CHECK ({AUDITOR});
GRANT SELECT, INSERT ON compliance_erased TO {{app}};
"""


# Whoever verifies and exports reads ciphertexts as well.
SIGNER = """
GRANT SELECT ON compliance_content TO {signer};
CREATE POLICY "the signer reads" ON compliance_content FOR SELECT TO {signer} USING ({signer_works});
"""


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("compliance", "0003_events_have_numbers")
    ]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="Content",
            fields=[
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                ("key_id", models.UUIDField(unique=True)),
                ("ciphertext", models.BinaryField()),
                (
                    "sha256",
                    models.GeneratedField(
                        db_persist=True,
                        expression=models.Func(models.F("ciphertext"), function="sha256"),
                        output_field=models.BinaryField(),
                    ),
                ),
            ],
            options={"db_table": "compliance_content"},
        ),
        migrations.CreateModel(
            name="Hold",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("reference", models.TextField()),
                ("matter", models.UUIDField(null=True)),
                ("person", models.UUIDField(null=True)),
                ("since", models.DateTimeField(null=True)),
                ("until", models.DateTimeField(null=True)),
                ("placed_by", models.UUIDField()),
                ("placed_at", models.DateTimeField()),
                ("lifted_by", models.UUIDField(null=True)),
                ("lifted_at", models.DateTimeField(null=True)),
            ],
            options={"db_table": "compliance_hold"},
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("scope", models.TextField()),
                ("target", models.UUIDField()),
                ("asked_by", models.UUIDField()),
                ("asked_at", models.DateTimeField()),
                ("approved_by", models.UUIDField(null=True)),
                ("approved_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("certificate", models.TextField(default="")),
            ],
            options={"db_table": "compliance_erasure"},
        ),
        migrations.CreateModel(
            name="Erased",
            fields=[
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
                ("erasure_id", models.UUIDField(db_index=True)),
            ],
            options={"db_table": "compliance_erased"},
        ),
        run_sql(COMMIT, TRIGGERS, RIGHTS, SIGNER),
    ]
