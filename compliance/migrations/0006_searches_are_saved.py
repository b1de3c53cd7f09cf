"""Searches of the record are saved, for oneself or for everybody of a role."""

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.db import migrations, models

RIGHTS = """
ALTER TABLE compliance_saved_search ENABLE ROW LEVEL SECURITY;
ALTER TABLE compliance_saved_search FORCE ROW LEVEL SECURITY;
REVOKE ALL ON compliance_saved_search FROM PUBLIC, {signin};
GRANT SELECT, INSERT, DELETE ON compliance_saved_search TO {app};
CREATE POLICY "readers read their own and what is shared" ON compliance_saved_search
    FOR SELECT TO {app}
    USING ((SELECT auth.reads_record())
           AND (owner = (SELECT auth.person()) OR (shared_with <> '' AND auth.has_role(shared_with))));
CREATE POLICY "readers save" ON compliance_saved_search FOR INSERT TO {app}
    WITH CHECK ((SELECT auth.reads_record()) AND owner = (SELECT auth.person()));
CREATE POLICY "owners remove" ON compliance_saved_search FOR DELETE TO {app}
    USING ((SELECT auth.reads_record()) AND owner = (SELECT auth.person()));
"""


def guard(apps: Any, schema_editor: Any) -> None:
    """Lay down policies and rights, for the roles this installation uses."""
    roles: dict[str, str] = settings.CLOISTER_DB_ROLES
    names = {role: schema_editor.quote_name(name) for role, name in roles.items()}
    schema_editor.execute(RIGHTS.format(**names), params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar[list[tuple[str, str]]] = [("compliance", "0005_the_record_is_counted")]

    operations: ClassVar[list[Any]] = [
        migrations.CreateModel(
            name="SavedSearch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("owner", models.UUIDField()),
                ("name", models.CharField(max_length=80)),
                ("nonce", models.BinaryField()),
                ("query", models.CharField(max_length=2400)),
                ("shared_with", models.CharField(blank=True, default="", max_length=40)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={"db_table": "compliance_saved_search", "ordering": ["name", "id"]},
        ),
        migrations.RunPython(guard),
    ]
