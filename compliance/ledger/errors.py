"""What can go wrong with the ledger; the tree of errors stands in the package's docstring."""


class LedgerError(Exception):
    """Something about the ledger went wrong."""


class Damaged(LedgerError):
    """The ledger is not what it was. `kind` names the damage, `index` the first bad place."""

    def __init__(self, kind: str, message: str, *, index: int | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.index = index


class CannotRun(LedgerError):
    """A key, an address or the database is missing. The message says what to do."""
