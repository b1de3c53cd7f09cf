"""A world of rules as rows: written through the tables, read as the application's role."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg

from assistant.access.rules import Barrier, Document, Emergency, Matter, Person, World
from assistant.access.rules.changes import (
    Account,
    Change,
    Grant,
    GroupPlace,
    Labels,
    Lift,
    MatterClient,
    MemberPlace,
    TeamPlace,
)
from assistant.access.rules.facts import world_of
from tests.integration.access.worlds import CLIENTS, GROUPS, PEOPLE, Case, Named, Words

FOUNDER = 900_000_000
NOBODY = "28000"
APP, OWNER = "cloister_app", "cloister_owner"


class Rows:
    """The tables, inside one transaction of the database's administrator that is rolled back."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self.connection = connection

    def run(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []

    def write(self, case: Case) -> None:
        """All rows of the world: what others refer to first, the rules in the case's own order."""
        self._person(Person(id=FOUNDER))
        for person in case.world.people.values():
            self._person(person)
        for group in GROUPS:
            self.run(
                "insert into accounts_group (id, name, created_at, changed_at)"
                " values (%s, 'a group', now(), now())",
                group,
            )
        for client in CLIENTS:
            self.run(
                "insert into access_client (id, name, created_at) values (%s, %s, now())",
                client,
                str(client),
            )
        for matter in case.world.matters.values():
            self._matter(matter)
        steps = self._rules(case)
        random.Random(case.order).shuffle(steps)
        for step in steps:
            step()

    def _rules(self, case: Case) -> list[Callable[[], None]]:
        world = case.world
        steps: list[Callable[[], None]] = []
        for person in world.people.values():
            for group in person.groups:
                steps.append(partial(self._place, group, person.id, True))
        for matter in world.matters.values():
            steps += [partial(self._member, matter.id, person, True) for person in matter.members]
            steps += [partial(self._team, matter.id, group, True) for group in matter.teams]
        alone = {emergency.document for emergency in world.emergencies.values()}
        named = {document for each in case.named for document in each.barrier.documents}
        for document in world.documents.values():
            step = partial(self._document, document, case.words[document.id], document.id in alone)
            # A barrier around one document is raised when there is one.
            if document.id in named:
                step()
            else:
                steps.append(step)
        steps += [partial(self._barrier, each) for each in case.named]
        steps += [partial(self._emergency, each) for each in world.emergencies.values()]
        return steps

    def change(self, change: Change | Words | Named) -> None:
        """One change, as the product's verbs would write it."""
        match change:
            case MemberPlace():
                self._member(change.matter, change.person, change.present)
            case TeamPlace():
                self._team(change.matter, change.group, change.present)
            case GroupPlace():
                self._place(change.group, change.person, change.present)
            case Grant():
                self._grant(change.document, change.person, change.group, change.present)
            case Labels():
                self._set(
                    "documents_document",
                    change.document,
                    {
                        "classification": change.classification,
                        "purposes": None if change.purposes is None else sorted(change.purposes),
                        "is_restricted": change.is_restricted,
                    },
                )
            case Account():
                self._set(
                    "accounts_user",
                    change.person,
                    {
                        "clearance": change.clearance,
                        "is_active": change.is_active,
                    },
                )
            case MatterClient():
                self.run(
                    "update access_matter set client_id = %s where id = %s",
                    change.client,
                    change.matter,
                )
            case Lift():
                self.run(
                    "update access_barrier set lifted_at = now() where id = %s", change.barrier
                )
            case Words():
                self._version(change.document, change.words)
            case Named():
                self._barrier(change)

    def seen(self, person: int, purpose: str) -> tuple[set[UUID], set[UUID], set[UUID]]:
        """The documents, versions' documents and matters that row security shows to a person."""
        token = str(uuid4())
        self.run(
            "insert into auth.session (token_hash, uid, expires_at, purpose)"
            " values (sha256(convert_to(%s, 'UTF8')), %s, now() + interval '1 hour', %s)",
            token,
            person,
            purpose,
        )
        try:
            with self.connection.transaction():
                self.run(f"set local role {APP}")
                self.run("select auth.enter(%s)", token)
                return (
                    self._ids("select id from documents_document where deleted_at is null"),
                    self._ids(
                        "select v.document_id from documents_version v join documents_document d"
                        " on d.id = v.document_id where d.deleted_at is null"
                    ),
                    self._ids("select id from access_matter"),
                )
        except psycopg.Error as error:
            if error.sqlstate == NOBODY:
                return set(), set(), set()
            raise
        finally:
            self.run("reset role")

    def remembered(self, world: World) -> World:
        """The world as the database's own memory has it."""
        self.run("select set_config('cloister.identity', '', true)")
        self.run(f"set local session authorization {OWNER}")
        facts = self.run(
            "select kind, data from auth.facts_in(clock_timestamp(), %s, null, %s)",
            list(world.matters),
            list(world.people),
        )
        self.run("reset session authorization")
        return world_of((kind, data) for kind, data in facts)

    def _ids(self, statement: str) -> set[UUID]:
        return {key for (key,) in self.run(statement)}

    def _set(self, table: str, key: Any, values: dict[str, Any]) -> None:
        for name, value in values.items():
            if value is not None:
                self.run(f"update {table} set {name} = %s where id = %s", value, key)

    def _person(self, person: Person) -> None:
        self.run(
            "insert into accounts_user (id, public_id, username, display_name, roles, clearance,"
            " purposes, is_active, must_change_password, session_secret, created_at)"
            " values (%s, gen_random_uuid(), %s, 'Somebody', %s, %s, '{}', %s, false, '', now())",
            person.id,
            str(uuid4()),
            ["administrator" if person.is_administrator else "staff"],
            person.clearance,
            person.is_active,
        )

    def _matter(self, matter: Matter) -> None:
        self.run(
            "insert into access_matter (id, reference, name, client_id, purposes,"
            " opens_in_emergency, acl_group, created_by_id, created_at)"
            " values (%s, 'R', 'A matter', %s, '{}', false, 0, %s, now())",
            matter.id,
            matter.client,
            FOUNDER,
        )

    def _member(self, matter: UUID, person: int, present: bool) -> None:
        if present:
            self.run(
                "insert into access_membership (matter_id, user_id, level, added_by_id, added_at)"
                " values (%s, %s, 'member', %s, now()) on conflict do nothing",
                matter,
                person,
                FOUNDER,
            )
        else:
            self.run(
                "delete from access_membership where matter_id = %s and user_id = %s",
                matter,
                person,
            )

    def _team(self, matter: UUID, group: UUID, present: bool) -> None:
        if present:
            self.run(
                "insert into access_teamplace (matter_id, group_id, added_by_id, added_at)"
                " values (%s, %s, %s, now()) on conflict do nothing",
                matter,
                group,
                FOUNDER,
            )
        else:
            self.run(
                "delete from access_teamplace where matter_id = %s and group_id = %s",
                matter,
                group,
            )

    def _place(self, group: UUID, person: int, present: bool) -> None:
        if present:
            self.run(
                "insert into accounts_groupmember (group_id, user_id, added_at)"
                " values (%s, %s, now()) on conflict do nothing",
                group,
                person,
            )
        else:
            self.run(
                "delete from accounts_groupmember where group_id = %s and user_id = %s",
                group,
                person,
            )

    def _grant(self, document: UUID, person: int | None, group: UUID | None, present: bool) -> None:
        if present:
            self.run(
                "insert into documents_documentgrant (document_id, user_id, group_id)"
                " values (%s, %s, %s) on conflict do nothing",
                document,
                person,
                group,
            )
        else:
            self.run(
                "delete from documents_documentgrant where document_id = %s"
                " and user_id is not distinct from %s and group_id is not distinct from %s",
                document,
                person,
                group,
            )

    def _document(self, document: Document, words: str, stands_alone: bool) -> None:
        self.run(
            "insert into documents_document (id, matter_id, acl_group, title, classification,"
            " purposes, is_restricted, stands_alone, created_by_id, created_at, deleted_at)"
            " values (%s, %s, 0, %s, %s, %s, %s, %s, %s, now(), case when %s then now() end)",
            document.id,
            document.matter,
            str(document.id),
            document.classification,
            sorted(document.purposes),
            document.is_restricted,
            stands_alone,
            FOUNDER,
            document.is_deleted,
        )
        self._version(document.id, words)
        for person in document.people:
            self._grant(document.id, person, None, True)
        for group in document.groups:
            self._grant(document.id, None, group, True)

    def _version(self, document: UUID, words: str) -> None:
        """The document says something else now; its earlier versions are kept."""
        ((number,),) = self.run(
            "select count(*) from documents_version where document_id = %s", document
        )
        self.run(
            "update documents_version set state = 'superseded' where document_id = %s", document
        )
        version = uuid4()
        self.run(
            "insert into documents_version (id, document_id, acl_group, number, sha256, size, kind,"
            " paged, state, reason, notes, text, page_count, passage_count, progress, seconds,"
            " uploaded_by_id, uploaded_at) values (%s, %s, 0, %s, '', 0, '', false, 'indexed', '',"
            " '[]', %s, 0, 0, 0, '{}', %s, now())",
            version,
            document,
            number + 1,
            words,
            FOUNDER,
        )
        self.run(
            "update documents_document set live_version_id = %s where id = %s", version, document
        )

    def _barrier(self, named: Named) -> None:
        barrier: Barrier = named.barrier
        (document,) = barrier.documents or (None,)
        self.run(
            "insert into access_barrier (id, kind, matter_id, client_id, document_id, names,"
            " reason, reason_nonce, raised_at, lift_reason, lift_nonce)"
            " values (%s, %s, %s, %s, %s, %s, '', '', now(), '', '')",
            barrier.id,
            barrier.kind.value,
            barrier.matter,
            barrier.client,
            document,
            sorted(named.names),
        )
        for person in barrier.people:
            self._subject(barrier.id, person, None)
        for group in barrier.groups:
            self._subject(barrier.id, None, group)

    def _subject(self, barrier: UUID, person: int | None, group: UUID | None) -> None:
        self.run(
            "insert into access_barriersubject (barrier_id, user_id, group_id) values (%s, %s, %s)",
            barrier,
            person,
            group,
        )

    def _emergency(self, emergency: Emergency) -> None:
        self.run(
            "insert into access_emergency (id, person_id, matter_id, document_id, asked_for,"
            " why, text, text_nonce, minutes, asked_at, opened_at, expires_at, verdict,"
            " verdict_text, verdict_nonce)"
            " values (%s, %s, %s, %s, '', 'treatment', '', '', 60, now(), %s, %s, '', '', '')",
            emergency.id,
            emergency.person,
            emergency.matter,
            emergency.document,
            emergency.opened_at,
            emergency.expires_at,
        )


def everybody(world: World) -> list[int]:
    """The people of a world, in order."""
    return [person for person in PEOPLE if person in world.people]
