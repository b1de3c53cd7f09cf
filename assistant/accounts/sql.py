"""SQL in migrations: the roles' names are an installation's own, so they are filled in here.

Write `{app}`, `{owner}` and `{signin}` where a role is named; they arrive quoted. Everything else
in braces is doubled, as for `str.format`.
"""

from typing import Any

from django.conf import settings
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import RunPython


def roles() -> dict[str, str]:
    """The database roles of this installation, quoted for SQL."""
    return {name: '"' + role.replace('"', '""') + '"' for name, role in _names().items()}


def roles_are_separate() -> bool:
    """Whether the application's role is another than the owner's, as it should be."""
    return _names()["app"] != _names()["owner"]


def _names() -> dict[str, str]:
    names: dict[str, str] = settings.CLOISTER_DB_ROLES
    return names


WORKING = "(select current_setting('search_path')) = 'pg_catalog, public, pg_temp'"
"""Holds inside the owner's functions that read tables, by the search path they set.

Where owner and application share one role, which row security is forced upon, it lets those
functions work. Such an application could switch row security off in any case.
"""


def run_sql(forwards: str, backwards: str) -> RunPython:
    """A migration step that runs SQL with the installation's role names."""

    def apply(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        schema_editor.execute(forwards.format(**roles()), params=None)

    def reverse(apps: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
        schema_editor.execute(backwards.format(**roles()), params=None)

    return RunPython(apply, reverse)


def protect(
    table: str,
    *,
    read: str,
    insert: str | None = None,
    update: str | None = None,
    delete: str | None = None,
    group_column: str | None = "acl_group",
) -> str:
    """The SQL that puts `table` under row security, forced upon its owner too.

    `read`, `insert`, `update` and `delete` are conditions on a row; None leaves that verb to
    nobody. A table with a `group_column` also gets the restrictive policy by which a wall or seal
    beats every permission.
    """
    statements = [
        f"alter table {table} enable row level security",
        f"alter table {table} force row level security",
        f"create policy may_read on {table} for select to {{app}} using ({read})",
        f"grant select on {table} to {{app}}",
    ]
    if insert is not None:
        statements += [
            f"create policy may_insert on {table} for insert to {{app}} with check ({insert})",
            f"grant insert on {table} to {{app}}",
        ]
    if update is not None:
        statements += [
            f"create policy may_update on {table} for update to {{app}}"
            f" using ({update}) with check ({update})",
            f"grant update on {table} to {{app}}",
        ]
    if delete is not None:
        statements += [
            f"create policy may_delete on {table} for delete to {{app}} using ({delete})",
            f"grant delete on {table} to {{app}}",
        ]
    if group_column is not None:
        statements.append(
            f"create policy denied on {table} as restrictive to {{app}}"
            f" using (get_bit((select auth.denied_bits()), {group_column}) = 0)"
        )
    held = "true" if roles_are_separate() else WORKING
    statements.append(
        f"create policy upkeep on {table} to {{owner}} using ({held}) with check ({held})"
    )
    return ";\n".join(statements) + ";"


def update_only(table: str, columns: str) -> str:
    """The SQL that leaves the application these columns of `table` to change, after `protect`.

    Where it owns the tables, they are the owner's functions' to change as well: nothing is taken.
    """
    if not roles_are_separate():
        return ""
    return (
        f"revoke update on {table} from {{app}};\n"
        f"grant update ({columns}) on {table} to {{app}};\n"
    )


def unprotect(table: str) -> str:
    """Take back what `protect` did."""
    policies = ("may_read", "may_insert", "may_update", "may_delete", "denied", "upkeep")
    drops = "".join(f"drop policy if exists {policy} on {table};\n" for policy in policies)
    return (
        drops
        + f"revoke all on {table} from {{app}};\n"
        + f"alter table {table} no force row level security;\n"
        + f"alter table {table} disable row level security;"
    )
