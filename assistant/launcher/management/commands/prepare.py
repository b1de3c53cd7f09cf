"""`manage.py prepare`: tables and static files, as each start and each upgrade needs them."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Check an external database, migrate as the owning role, collect the static files.

    Safe to repeat.
    """

    help = "Bring the database and the static files up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        """All in one process: Django is loaded once."""
        call_command("prepare_database")
        call_command("migrate", interactive=False, verbosity=1)
        # Before anything is recorded: whatever is written seals its first key for the signer.
        call_command("signer", make_keys=True)
        if any(folder.exists() for folder in settings.STATICFILES_DIRS):
            call_command("collectstatic", interactive=False, verbosity=0)
