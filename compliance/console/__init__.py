"""The audit console: the record as auditors search it, read it and check it."""
