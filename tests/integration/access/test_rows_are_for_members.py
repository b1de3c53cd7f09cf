"""The database itself decides who sees a row, whatever the application asks."""

import threading
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from assistant.access.errors import Missing
from assistant.access.matters import (
    add_member,
    create_matter,
    matter_for,
    my_matters,
    remove_member,
)
from assistant.accounts.identity import NotSignedIn, entered
from assistant.documents import retrieve, vectors
from assistant.documents.access import document_for, version_for
from tests.people import Person, World, make_person
from tests.samples import LEASE

CONTENT_TABLES = (
    "access_matter access_membership documents_document documents_version documents_page "
    "documents_passage documents_passagevector documents_posting chat_conversation chat_question "
    "chat_answer chat_evidence chat_citation chat_feedback compliance_event"
).split()


def _search(world: World, person: Any, words: str) -> list[retrieve.Found]:
    with person.entered():
        return retrieve.passages_for(
            words,
            vectors.embedder().query(words),
            scope=retrieve.scope_of(world.matter.id),
            limit=5,
        )


def test_a_member_finds_and_an_outsider_does_not(world: World) -> None:
    version = world.add("lease.md", LEASE)
    assert "4,250 euros" in _search(world, world.bob, "monthly rent")[0].text
    assert _search(world, world.charlie, "monthly rent") == []
    with world.charlie.entered() as acting:
        assert my_matters(acting.user) == []
        for look_up, identifier in (
            (matter_for, world.matter.id),
            (document_for, version.document_id),
            (version_for, version.id),
        ):
            with pytest.raises(Missing):
                look_up(identifier)


def test_an_outsider_sees_no_row_of_any_content_table(world: World) -> None:
    world.add("lease.md", LEASE)
    with world.charlie.entered(), connection.cursor() as cursor:
        for table in CONTENT_TABLES:
            cursor.execute(f"select count(*) from {table}")
            assert cursor.fetchone() == (0,), table


def test_nobody_signed_in_sees_nothing(world: World) -> None:
    world.add("lease.md", LEASE)
    with transaction.atomic(), connection.cursor() as cursor:
        for table in CONTENT_TABLES:
            cursor.execute(f"select count(*) from {table}")
            assert cursor.fetchone() == (0,), table


def test_every_table_with_a_group_is_under_forced_row_security(superuser: Any) -> None:
    rows = superuser(
        """
        select c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner)
          from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
           and a.attname in ('acl_group', 'matter_id') and not a.attisdropped
        """
    )
    assert {row[0] for row in rows} >= set(CONTENT_TABLES) - {"compliance_event"}
    for table, enabled, forced, owner in rows:
        assert (enabled, forced, owner) == (True, True, "cloister_owner"), table


def test_the_application_role_owns_nothing_and_passes_nothing(superuser: Any) -> None:
    (role,) = superuser(
        "select rolsuper, rolbypassrls, rolcreaterole, rolcreatedb from pg_roles"
        " where rolname = 'cloister_app'"
    )
    assert role == (False, False, False, False)
    owned = superuser(
        "select count(*) from pg_class where pg_get_userbyid(relowner) = 'cloister_app'"
    )
    assert owned == [(0,)]


def test_functions_that_run_as_the_owner_fix_their_search_path(superuser: Any) -> None:
    loose = superuser(
        "select oid::regprocedure::text from pg_proc where prosecdef"
        " and not coalesce(array_to_string(proconfig, ','), '') like 'search_path=%'"
    )
    assert loose == []


@pytest.mark.parametrize(
    "statement",
    [
        "select * from auth.secret",
        "select * from auth.session",
        "select * from auth.rights",
        "select auth.mac('context.1')",
        "select auth.open_session('t', 1, gen_random_uuid(), now() + interval '1 hour')",
        "select auth.rebuild(1)",
        "set role cloister_owner",
        "select password from accounts_credential",
        "delete from compliance_event",
        "update compliance_event set actor = null",
        "create table public.mine (x int)",
        "create function pg_temp.f() returns int language sql security definer as 'select 1'; "
        "create function public.f() returns int language sql as 'select 1'",
    ],
)
def test_sql_as_the_application_cannot(world: World, statement: str) -> None:
    refusal = r"permission denied|must be|only grows"
    with world.bob.entered(), pytest.raises(Exception, match=refusal):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_a_forged_or_replayed_identity_is_refused(world: World) -> None:
    with world.alice.entered(), connection.cursor() as cursor:
        cursor.execute("select current_setting('cloister.identity')")
        (genuine,) = cursor.fetchone()
    forged = genuine.rsplit(".", 1)[0] + "." + "0" * 64
    for setting in (genuine, forged):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select set_config('cloister.identity', %s, false)", [setting])
            with pytest.raises(Exception, match="not genuine"), transaction.atomic():
                cursor.execute("select count(*) from documents_document")
            cursor.execute("select set_config('cloister.identity', '', false)")


def test_an_identity_ends_with_its_transaction(world: World) -> None:
    with world.alice.entered(), connection.cursor() as cursor:
        cursor.execute("select auth.uid()")
        assert cursor.fetchone() == (world.alice.user.pk,)
    with connection.cursor() as cursor:
        cursor.execute("select auth.uid()")
        assert cursor.fetchone() == (None,)


def test_identities_do_not_bleed_through_the_pool(world: World) -> None:
    """Threads of four people share the pool, with errors and rollbacks in between."""
    wrong: list[object] = []
    people = [world.alice, world.bob, world.charlie]

    def work(number: int) -> None:
        person = people[number % 3]
        with person.acting() as acting:
            for turn in range(25):
                try:
                    with entered(acting.token) as user_id, connection.cursor() as cursor:
                        cursor.execute("select auth.uid()")
                        if cursor.fetchone() != (person.user.pk,) or user_id != person.user.pk:
                            wrong.append(person.username)
                        if turn % 3 == 0:
                            cursor.execute("select 1/0")
                except Exception as error:
                    if "division" not in str(error):
                        wrong.append(error)
                finally:
                    connection.close()
                with connection.cursor() as cursor:
                    cursor.execute("select auth.uid()")
                    if cursor.fetchone() != (None,):
                        wrong.append("an identity without entering")
                connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_removed_member_sees_nothing_from_the_next_query_on(world: World) -> None:
    world.add("lease.md", LEASE)
    with world.alice.acting() as alice, world.bob.acting() as bob:
        with entered(bob.token):
            assert len(my_matters(bob.user)) == 1
        with entered(alice.token):
            remove_member(alice.record, world.matter, user_public_id=bob.user.public_id)
        with entered(bob.token):
            assert my_matters(bob.user) == []
        with entered(alice.token):
            add_member(
                alice.record, world.matter, alice.user, username=bob.user.username, level="member"
            )
        with entered(bob.token):
            assert len(my_matters(bob.user)) == 1


def test_only_a_lead_says_who_is_a_member(world: World) -> None:
    with pytest.raises(Missing), world.bob.entered() as acting:
        add_member(
            acting.record,
            world.matter,
            acting.user,
            username=world.charlie.username,
            level="member",
        )
    with pytest.raises(Exception, match="row-level security"), world.bob.entered() as acting:
        with connection.cursor() as cursor:
            cursor.execute(
                "insert into access_membership (matter_id, user_id, level, added_by_id, added_at)"
                " values (%s, %s, 'lead', %s, now())",
                [world.matter.id, world.charlie.user.pk, acting.user.pk],
            )


def test_a_closed_session_enters_nobody(world: World) -> None:
    with world.bob.acting() as acting:
        token = acting.token
        with entered(token):
            pass
    with pytest.raises(NotSignedIn), entered(token):
        pass


def test_word_statistics_count_only_what_the_person_may_see(world: World) -> None:
    """The same score whether or not somebody else's matter is full of the word."""
    world.add("lease.md", LEASE)
    before = _search(world, world.bob, "heirloom tomatoes")[0]
    dora = make_person("dora", "knowledge_manager")
    other = World(alice=dora, bob=dora, charlie=world.bob, matter=_matter_of(dora))
    other.add("tomatoes.md", "Heirloom tomatoes are heirloom tomatoes.\n\n" * 20)
    after = _search(world, world.bob, "heirloom tomatoes")[0]
    assert (before.lexical, before.score) == (after.lexical, after.score)


def _matter_of(person: Person) -> Any:
    with person.entered() as acting:
        return create_matter(acting.record, acting.user, reference="other", name="Other")


def test_a_connection_of_the_application_cannot_switch_row_security_off(
    database: Any, world: World
) -> None:
    with psycopg.connect(database.state()["databases"]["app"]) as direct:
        direct.execute("set row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            direct.execute("select * from documents_document")
