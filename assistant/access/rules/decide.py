"""One decision: may this person read this document for this purpose at this time, and why."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from assistant.access.rules.reasons import CLEARANCES, Reason, Verdict, Why
from assistant.access.rules.values import Barrier, BarrierKind, Document, Matter, Person, World

_BARRIER_REASONS = {
    BarrierKind.WALL: Why.WALL,
    BarrierKind.SEAL: Why.SEAL,
    BarrierKind.LIST: Why.LIST,
}


def decide(world: World, person: int, document: UUID, *, purpose: str, at: datetime) -> Verdict:
    """What row security shows, with all reasons of the side that wins.

    Nothing beats a closed account, a deleted document or a barrier. Break-glass beats clearance,
    purpose, grants and not being in the matter.
    """
    reader, wanted = world.people.get(person), world.documents.get(document)
    if reader is None or wanted is None or wanted.matter not in world.matters:
        missing = Why.NO_ACCOUNT if reader is None else Why.NO_DOCUMENT
        return Verdict(allowed=False, reasons=(Reason(why=missing),))
    matter = world.matters[wanted.matter]
    final = (*_final(reader, wanted), *_barriers(world, reader, matter, wanted.id))
    if final:
        return Verdict(allowed=False, reasons=final)
    places = tuple(_places(reader, matter))
    obstacles = tuple(_obstacles(reader, wanted, purpose)) if places else (_OUTSIDER,)
    emergencies = tuple(_emergencies(world, reader, wanted, at))
    if obstacles:
        return Verdict(allowed=bool(emergencies), reasons=emergencies or obstacles)
    return Verdict(
        allowed=True, reasons=(*places, *_favours(reader, wanted, purpose), *emergencies)
    )


def sees_matter(world: World, person: int, matter: UUID, *, at: datetime) -> bool:
    """Whether the person sees that the matter exists, and who is in it."""
    reader, wanted = world.people.get(person), world.matters.get(matter)
    if reader is None or wanted is None or not reader.is_active or reader.is_administrator:
        return False
    if any(True for _ in _barriers(world, reader, wanted, None)):
        return False
    return any(True for _ in _places(reader, wanted)) or any(
        emergency.person == person and emergency.matter == matter and emergency.is_open(at)
        for emergency in world.emergencies.values()
    )


def purposes_to_try(world: World, person: int, document: UUID) -> tuple[str, ...]:
    """The purposes that make a difference: none, and those of the document that may be chosen."""
    reader, wanted = world.people.get(person), world.documents.get(document)
    if reader is None or wanted is None:
        return ("",)
    may_choose = wanted.purposes & reader.purposes if reader.purposes else wanted.purposes
    return ("", *sorted(may_choose))


_OUTSIDER = Reason(why=Why.NOT_A_MEMBER)


def _final(person: Person, document: Document) -> Iterator[Reason]:
    if not person.is_active:
        yield Reason(why=Why.CLOSED)
    if person.is_administrator:
        yield Reason(why=Why.ADMINISTRATOR)
    if document.is_deleted:
        yield Reason(why=Why.DELETED)


def _barriers(
    world: World, person: Person, matter: Matter, document: UUID | None
) -> Iterator[Reason]:
    for barrier in world.barriers.values():
        if _stands_around(barrier, matter, document) and _closes_to(barrier, person):
            yield Reason(why=_BARRIER_REASONS[barrier.kind], about=barrier.id)


def _stands_around(barrier: Barrier, matter: Matter, document: UUID | None) -> bool:
    return (
        barrier.matter == matter.id
        or (barrier.client is not None and barrier.client == matter.client)
        or document in barrier.documents
    )


def _closes_to(barrier: Barrier, person: Person) -> bool:
    is_named = person.id in barrier.people or bool(barrier.groups & person.groups)
    return is_named if barrier.kind == BarrierKind.WALL else not is_named


def _places(person: Person, matter: Matter) -> Iterator[Reason]:
    if person.id in matter.members:
        yield Reason(why=Why.MEMBER)
    for group in sorted(matter.teams & person.groups):
        yield Reason(why=Why.TEAM, about=group)


def _obstacles(person: Person, document: Document, purpose: str) -> Iterator[Reason]:
    if document.classification > person.clearance:
        yield Reason(why=Why.CLEARANCE, words=(CLEARANCES[document.classification],))
    if document.purposes and purpose not in document.purposes:
        yield Reason(why=Why.PURPOSE, words=tuple(sorted(document.purposes)))
    if document.is_restricted and not any(True for _ in _grants(person, document)):
        yield Reason(why=Why.RESTRICTED)


def _favours(person: Person, document: Document, purpose: str) -> Iterator[Reason]:
    if document.is_restricted:
        yield from _grants(person, document)
    if document.purposes:
        yield Reason(why=Why.PURPOSE_FITS, words=(purpose,))


def _grants(person: Person, document: Document) -> Iterator[Reason]:
    if person.id in document.people:
        yield Reason(why=Why.GRANT)
    for group in sorted(document.groups & person.groups):
        yield Reason(why=Why.GRANT_TO_GROUP, about=group)


def _emergencies(
    world: World, person: Person, document: Document, at: datetime
) -> Iterator[Reason]:
    for emergency in world.emergencies.values():
        if (
            emergency.person == person.id
            and emergency.matter == document.matter
            and emergency.document in (None, document.id)
            and emergency.is_open(at)
        ):
            yield Reason(why=Why.EMERGENCY, about=emergency.id, until=emergency.expires_at)
