"""Why somebody may read a document, or may not: typed reasons, and the sentence for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Why(StrEnum):
    """One rule at work. The first six let somebody in; the others keep somebody out."""

    MEMBER = "member"
    TEAM = "team"
    GRANT = "grant"
    GRANT_TO_GROUP = "grant_to_group"
    PURPOSE_FITS = "purpose_fits"
    EMERGENCY = "emergency"

    NO_ACCOUNT = "no_account"
    NO_DOCUMENT = "no_document"
    CLOSED = "closed"
    ADMINISTRATOR = "administrator"
    DELETED = "deleted"
    WALL = "wall"
    SEAL = "seal"
    LIST = "list"
    NOT_A_MEMBER = "not_a_member"
    CLEARANCE = "clearance"
    PURPOSE = "purpose"
    RESTRICTED = "restricted"


_SENTENCES = {
    Why.MEMBER: "in the matter by name",
    Why.TEAM: "in the matter as one of {about}",
    Why.GRANT: "has a grant on the document",
    Why.GRANT_TO_GROUP: "has a grant on the document as one of {about}",
    Why.PURPOSE_FITS: "for the purpose {words}",
    Why.EMERGENCY: "break-glass {about}, until {until}",
    Why.NO_ACCOUNT: "there was no such account then",
    Why.NO_DOCUMENT: "there was no such document then",
    Why.CLOSED: "the account is closed",
    Why.ADMINISTRATOR: "an administrator's account reads no content",
    Why.DELETED: "the document is deleted",
    Why.WALL: "kept out by wall {about}",
    Why.SEAL: "kept out by seal {about}, which does not name this person",
    Why.LIST: "kept out by restricted list {about}, which does not name this person",
    Why.NOT_A_MEMBER: "not in the matter",
    Why.CLEARANCE: "the document is {words}, beyond this person's clearance",
    Why.PURPOSE: "the document is for {words} alone",
    Why.RESTRICTED: "the document is restricted and this person has no grant",
}
CLEARANCES = ("internal", "confidential", "strictly confidential")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason. `about` is the group, barrier or break-glass that it comes from."""

    why: Why
    about: UUID | None = None
    until: datetime | None = None
    words: tuple[str, ...] = ()

    def sentence(self, names: Mapping[UUID, str] | None = None) -> str:
        """The reason in words; what has no name in `names` is called by the end of its id."""
        about = (names or {}).get(self.about, f"…{str(self.about)[-8:]}") if self.about else ""
        until = f"{self.until:%Y-%m-%d %H:%M:%S} UTC" if self.until else ""
        words = " or ".join(word.replace("_", " ") for word in self.words)
        return _SENTENCES[self.why].format(about=about, until=until, words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a person may read a document, and every reason for it."""

    allowed: bool
    reasons: tuple[Reason, ...]
