"""The ledger: what numbers, signs, watches and checks the record.

`sequencer` numbers what is committed and grows one RFC 6962 tree. `signer` signs its heads, in a
process and with a key of its own, after it has checked that each extends the one before. A witness
on another host remembers heads. Nothing here trusts the database's administrator.

LedgerError
├── Damaged     the ledger is not what was signed; the message says where
└── CannotRun   a key, an address or the database is missing
"""

VERSION = "1"
"""Of the ledger's processes, as they name it when they start."""
