"""What the record's migrations share: the installation's roles, and the SQL they are named in."""

from typing import Any

from django.conf import settings
from django.db.migrations.operations import RunPython

WORKING = "(select current_setting('search_path')) = 'pg_catalog, public, pg_temp'"
"""Holds for the ledger's own processes by the search path they set.

Where they share one role with the application, it keeps them apart from its pages.
"""


def names(schema_editor: Any) -> dict[str, str]:
    """The roles, quoted, the schema, and the condition under which the ledger's roles work."""
    roles: dict[str, str] = settings.CLOISTER_DB_ROLES
    quoted = {role: schema_editor.quote_name(name) for role, name in roles.items()}
    for late in ("sequencer", "signer"):
        quoted.setdefault(late, quoted["owner"])
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_schema())")
        quoted["schema"] = cursor.fetchone()[0]
    for part in ("sequencer", "signer"):
        quoted[f"{part}_works"] = "true" if quoted[part] != quoted["app"] else WORKING
    return quoted | {"working": WORKING}


def run_sql(*statements: str) -> RunPython:
    """A step that runs SQL with the roles' names in it. There is no way back: restore a backup."""

    def apply(apps: Any, schema_editor: Any) -> None:
        known = names(schema_editor)
        for statement in statements:
            schema_editor.execute(statement.format(**known), params=None)

    return RunPython(apply)
