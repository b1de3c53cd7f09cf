"""Start, watch and stop everything a single machine needs.

`manage.py up` replaces itself with `python -m assistant.launcher`, so that the process that stays
carries no Django. Order: PostgreSQL, Valkey, migrations, then workers, web and models side by side.
"""
