"""What an event holds that is locked: names and sizes, nothing of the texts."""

from dataclasses import dataclass
from uuid import UUID

from compliance.models import Content, Erased
from compliance.sealed import NotGenuine, parts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A text of an event that can be unlocked, by its name; `size` is in bytes of UTF-8."""

    name: str
    size: int
    is_erased: bool = False

    @property
    def label(self) -> str:
        return self.name.replace("_", " ")


def locked_parts(event_id: UUID) -> tuple[Part, ...]:
    """The parts of an event's content, for auditors and privacy officers; empty for others."""
    content = Content.objects.filter(pk=event_id).first()
    if content is None:
        return ()
    is_erased = Erased.objects.filter(pk=event_id).exists()
    try:
        return tuple(
            Part(name=part.name, size=part.size, is_erased=is_erased)
            for part in parts_of(bytes(content.ciphertext))
        )
    except NotGenuine:
        # Somebody changed the bytes; `audit verify` names the event.
        return ()
