"""What an alarm about the ledger can be."""

from enum import StrEnum


class Kind(StrEnum):
    """Kinds of alarm. Each is a row of `compliance_alarm` and an event `ledger.alarm`."""

    DAMAGED = "damaged"
    """A leaf, tile or root is missing or is not what it was. About: the kind of damage."""

    REWRITTEN = "rewritten"
    """The tree does not extend what was signed. Nothing is signed any more."""

    RESTORED = "restored"
    """The database holds less than was signed: an older one was put in its place."""

    CHAIN = "chain"
    """An event was removed, altered or slipped in before it was numbered. About: the writer."""

    SILENT = "silent"
    """A part gives no sign of life. About: the part."""

    BEHIND = "behind"
    """Events wait for their numbers: the sequencer does not work."""

    UNSIGNED = "unsigned"
    """Numbered events wait to be signed: the signer does not work or refuses."""

    CLOCK = "clock"
    """Time has gone backwards, on this host or in the database."""

    WITNESS = "witness"
    """A witness has not signed for too long. About: the witness."""

    FORK = "fork"
    """A witness has seen another history than this one. About: the witness."""

    DISK = "disk"
    """A disk is nearly full. About: what is on it."""

    UNGUARDED = "unguarded"
    """A table of the record has lost a trigger or its row security. About: the table."""

    NO_MONTH = "no_month"
    """Events stand in no month's partition, or none is made for the next month."""
