"""Tables are made and changed by the role that owns them, and by no other."""

from typing import Any

from django.db.models import Model


class OwnerMigrates:
    """Migrations run on the owner's connection; the application's aliases never migrate."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"

    def allow_relation(self, first: Model, second: Model, **hints: Any) -> bool:
        # All aliases reach one database; they differ in the role, not in the data.
        return True
