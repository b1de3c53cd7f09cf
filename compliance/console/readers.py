"""Who reads the record: roles as the database knows them (auth.reads_record)."""

AUDITOR = "auditor"
PRIVACY_OFFICER = "privacy_officer"
READERS = frozenset({AUDITOR, PRIVACY_OFFICER})

SHARED_WITH = {AUDITOR: "auditors", PRIVACY_OFFICER: "privacy officers"}
"""With whom a search can be shared, and how they are called."""
