"""Who may see many passages is searched in the nearest cells, and nothing is lost."""

import hashlib
import math
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from django.db import connection, transaction

from assistant.accounts.identity import entered
from assistant.documents import index, publish, retrieve
from assistant.documents.chunk import Chunk
from assistant.documents.models import Document, PassageVector, Version
from assistant.documents.parse import Page, Parsed
from tests.people import Person, World, make_world

DIMENSIONS = 384
BUDGET = 150
TOPICS = 30
Run = Callable[..., list[tuple[Any, ...]]]


def _vectors(random: np.random.Generator, topics: Any, count: int) -> Any:
    made = topics[random.integers(0, len(topics), count)] + 0.06 * random.standard_normal(
        (count, DIMENSIONS)
    )
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def _publish(world: World, title: str, made: Any, *, number: int = 1) -> Version:
    """A document whose passages have these vectors, through the product's own verb."""
    words = [f"passage{place} of {title}\n" for place in range(len(made))]
    ends = np.cumsum([len(word) for word in words]).tolist()
    text = "".join(words)
    chunks = [
        Chunk(start=end - len(word), end=end, page=1)
        for end, word in zip(ends, words, strict=True)
    ]
    digests = [hashlib.sha256(vector.tobytes()).digest() for vector in made]
    with world.as_alice() as acting:
        document = Document.objects.filter(matter=world.matter, title=title).first()
        if document is None:
            document = Document(matter=world.matter, title=title, created_by=acting.user)
            document.save(force_insert=True)
        document.refresh_from_db()
        version = Version(
            document=document,
            acl_group=document.acl_group,
            number=number,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            size=len(text),
            uploaded_by=acting.user,
        )
        version.save(force_insert=True)
        assert publish.publish(
            version,
            title=title,
            parsed=Parsed(
                text=text, pages=(Page(number=1, start=0, end=len(text)),), kind="text"
            ),
            chunks=chunks,
            digests=digests,
            vectors=dict(zip(digests, made, strict=True)),
            seconds={},
        )
    return version


def _nearest(vector: Any, most: int, *, budget: int = BUDGET) -> list[int]:
    """As whoever is entered: what the product's vector search finds."""
    scope = retrieve.scope_of(None)
    with connection.cursor() as cursor:
        cursor.execute(
            "select passage_id from nearest_passages(%s::halfvec, %s::int[], %s, %s, %s)",
            [str(vector.tolist()), scope.groups, scope.passages, budget, most],
        )
        return [passage for (passage,) in cursor.fetchall()]


def _exact(vector: Any, most: int) -> list[int]:
    return _nearest(vector, most, budget=10**9)


@pytest.fixture(scope="module")
def topics() -> Any:
    return np.random.default_rng(5).standard_normal((TOPICS, DIMENSIONS)) / DIMENSIONS**0.5


@pytest.fixture(scope="module")
def full(database: Any, topics: Any) -> Iterator[World]:
    """Alice's matter with 1,200 passages beside somebody else's 1,200, trained into 40 cells."""
    random = np.random.default_rng(6)
    world, other = make_world(), make_world()
    for number in range(12):
        _publish(world, f"paper {number}", _vectors(random, topics, 100))
        _publish(other, f"paper {number}", _vectors(random, topics, 100))
    index.train(least=1, count=40, tell=lambda words: None)
    yield world
    with psycopg.connect(database.state()["databases"]["superuser"], autocommit=True) as admin:
        admin.execute("delete from auth.cell_count; delete from auth.cell")
        admin.execute("delete from auth.cell_training")
        admin.execute("update documents_passagevector set cell = 0 where cell > 0")


def test_it_finds_what_an_exact_search_finds(full: World, topics: Any) -> None:
    asked = _vectors(np.random.default_rng(7), topics, 40)
    right = 0
    with full.as_alice():
        for vector in asked:
            right += len(set(_nearest(vector, 10)) & set(_exact(vector, 10)))
    assert right / 400 >= 0.99


@pytest.mark.parametrize("most", [10, BUDGET - 1, BUDGET + 1, 1_199, 1_200, 1_300])
def test_it_never_finds_fewer_than_there_are(full: World, topics: Any, most: int) -> None:
    vector = _vectors(np.random.default_rng(8), topics, 1)[0]
    with full.as_alice():
        assert len(set(_nearest(vector, most))) == min(most, 1_200)


def test_a_person_whose_rights_follow_a_topic_is_not_short(full: World, topics: Any) -> None:
    """All of their passages are far from the question, whose own cells others fill."""
    narrow = make_world()
    _publish(narrow, "one topic", _vectors(np.random.default_rng(9), topics[:1], 400))
    with narrow.as_alice():
        found = _nearest(topics[3], 10)
        assert len(found) == 10
        # How near a search comes depends on where training put the cells; the bench measures it.
        assert len({*found} & {*_exact(topics[3], 10)}) >= 9


def _counted(superuser: Run) -> list[tuple[Any, ...]]:
    return superuser(
        """
        select acl_group, cell, n::int from auth.cell_count c,
               unnest(c.counts::real[]) with ordinality u (n, cell) where n <> 0 order by 1, 2
        """
    )


def _there(superuser: Run) -> list[tuple[Any, ...]]:
    return superuser(
        "select acl_group, cell, count(*)::int from documents_passagevector"
        " group by 1, 2 order by 1, 2"
    )


def test_counts_follow_each_change_in_its_transaction(
    full: World, topics: Any, superuser: Run
) -> None:
    assert _counted(superuser) == _there(superuser)
    random = np.random.default_rng(10)
    _publish(full, "changing", _vectors(random, topics, 30))
    assert _counted(superuser) == _there(superuser)
    version = _publish(full, "changing", _vectors(random, topics, 20), number=2)
    assert _counted(superuser) == _there(superuser)
    # A document that moves to another group takes its counts along.
    superuser(
        "update documents_passagevector set acl_group = 0 where passage_id in"
        " (select id from documents_passage where version_id = %s)",
        [version.id],
    )
    assert _counted(superuser) == _there(superuser)
    with full.as_alice():
        PassageVector.objects.all().delete()
        transaction.set_rollback(True)
    assert _counted(superuser) == _there(superuser)
    superuser(
        "delete from documents_passagevector where passage_id in"
        " (select id from documents_passage where version_id = %s)",
        [version.id],
    )
    assert _counted(superuser) == _there(superuser)


def _terms_counted(superuser: Run) -> list[tuple[Any, ...]]:
    return superuser("select term, acl_group, passages from auth.term_count order by 1, 2")


def _terms_there(superuser: Run) -> list[tuple[Any, ...]]:
    return superuser(
        "select term, acl_group, count(*)::int from documents_posting group by 1, 2 order by 1, 2"
    )


def test_counts_of_words_follow_each_change_in_its_transaction(
    full: World, topics: Any, superuser: Run
) -> None:
    assert _terms_counted(superuser) == _terms_there(superuser)
    random = np.random.default_rng(13)
    _publish(full, "worded", _vectors(random, topics, 30))
    assert _terms_counted(superuser) == _terms_there(superuser)
    version = _publish(full, "worded", _vectors(random, topics, 20), number=2)
    assert _terms_counted(superuser) == _terms_there(superuser)
    theirs = "passage_id in (select id from documents_passage where version_id = %s)"
    superuser(f"update documents_posting set acl_group = 0 where {theirs}", [version.id])
    assert _terms_counted(superuser) == _terms_there(superuser)
    superuser(f"delete from documents_posting where {theirs}", [version.id])
    assert _terms_counted(superuser) == _terms_there(superuser)


def test_words_are_counted_over_one_s_own_groups_only(full: World) -> None:
    with full.as_alice():
        groups = retrieve.scope_of(None).groups
    for person in (full.bob, full.charlie):
        with person.entered(), connection.cursor() as cursor:
            cursor.execute(
                "select passages from auth.passages_with_each(array['paper'], %s::int[])", [groups]
            )
            found = cursor.fetchall()
            assert bool(found) == (person is full.bob)


def test_bm25_is_what_the_formula_says(full: World) -> None:
    """Against the formula by hand, over the rows that Alice sees."""
    terms = ["paper", "passage7", "3", "nowhere-at-all"]
    with full.as_alice(), connection.cursor() as cursor:
        scope = retrieve.scope_of(None)
        mean = scope.words / scope.passages
        cursor.execute(
            "select * from passages_with_terms(%s::text[], %s::int[], %s, %s::float8, 2000)",
            [terms, scope.groups, scope.passages, mean],
        )
        found = dict(cursor.fetchall())
        cursor.execute(
            "select passage_id, term, frequency, words from documents_posting"
            " where term = any (%s)",
            [terms],
        )
        postings = cursor.fetchall()
    counted = Counter(term for _, term, _, _ in postings)
    right: dict[int, float] = defaultdict(float)
    for passage, term, frequency, words in postings:
        n = counted[term]
        idf = math.log(1 + (scope.passages - n + 0.5) / (n + 0.5))
        norm = 1.2 * (0.25 + 0.75 * words / mean)
        right[passage] += idf * frequency * 2.2 / (frequency + norm)
    assert found == pytest.approx(dict(right))


def test_a_new_passage_goes_to_its_nearest_cell(full: World, topics: Any, superuser: Run) -> None:
    vector = _vectors(np.random.default_rng(11), topics, 1)
    version = _publish(full, "new", vector)
    ((cell, nearest),) = superuser(
        """
        select v.cell, (select id from auth.cell order by centre <=> v.embedding limit 1)
          from documents_passagevector v join documents_passage p on p.id = v.passage_id
         where p.version_id = %s
        """,
        [version.id],
    )
    assert cell == nearest > 0


def _scans(cursor: Any) -> Any:
    """Whole-table and index scans of the search tables that this connection has made."""
    cursor.execute(
        "select sum(seq_scan)::int, sum(idx_scan)::int from pg_stat_xact_user_tables"
        " where relname in ('documents_passagevector', 'documents_posting', 'term_count')"
    )
    return np.array(cursor.fetchone())


def test_it_reads_by_index_under_the_application_s_role(full: World, topics: Any) -> None:
    with full.as_alice(), connection.cursor() as cursor:
        scope = retrieve.scope_of(None)
        before = _scans(cursor)
        assert len(_nearest(topics[0], 10)) == len(_exact(topics[0], 10)) == 10
        in_vectors = _scans(cursor) - before
        cursor.execute(
            "select count(*) from passages_with_terms(%s, %s::int[], %s, 10, 50)",
            [["paper", "passage1"], scope.groups, scope.passages],
        )
        assert cursor.fetchone() == (50,)
        in_words = _scans(cursor) - before - in_vectors
    for whole, by_index in (in_vectors, in_words):
        assert whole == 0
        assert by_index >= 2


@pytest.mark.parametrize(
    "table", ["auth.cell", "auth.cell_count", "auth.cell_training", "auth.term_count"]
)
def test_the_application_does_not_read_the_cells(full: World, table: str) -> None:
    with full.as_alice(), connection.cursor() as cursor:
        with pytest.raises(Exception, match="permission denied"), transaction.atomic():
            cursor.execute(f"select * from {table}")


def test_cells_are_counted_over_one_s_own_groups_only(full: World, topics: Any) -> None:
    with full.as_alice():
        groups = retrieve.scope_of(None).groups
    for person in (full.bob, full.charlie):
        with person.entered(), connection.cursor() as cursor:
            cursor.execute(
                "select auth.cells_near(%s::halfvec, %s::int[], 100)",
                [str(topics[0].tolist()), groups],
            )
            (cells,) = cursor.fetchone()
            assert bool(cells) == (person is full.bob)


def test_a_plan_tells_nothing_of_words_in_hidden_documents(full: World) -> None:
    """An estimate is the same for a word that stands 1,200 times elsewhere and for no word."""
    with full.charlie.entered(), connection.cursor() as cursor:
        estimates = []
        for word in ("paper", "nowhere-at-all"):
            cursor.execute(
                f"explain (format json) select * from documents_posting where term = '{word}'"
            )
            estimates.append(cursor.fetchone()[0][0]["Plan"]["Plan Rows"])
        assert estimates[0] == estimates[1]
        cursor.execute("select count(*) from pg_stats where tablename like 'documents_p%'")
        assert cursor.fetchone() == (0,)


def test_training_is_on_record_and_refused_where_it_gains_nothing(
    full: World, database: Any, superuser: Run
) -> None:
    ((header,),) = superuser(
        "select header from compliance_event where convert_from(header, 'UTF8')"
        " like '%\"index.trained\"%' order by recorded_at desc limit 1"
    )
    assert b'"cells":40' in bytes(header)
    refused = database.manage("index", "train")
    assert refused.returncode == 1
    assert "every search is exact" in refused.stderr
    assert '"is_due": false' in database.manage("index", "show", "--json").stdout


def test_training_gives_way_to_a_long_reader(
    full: World, database: Any, topics: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "PATIENCE", "50ms")
    told: list[str] = []
    with full.as_alice():
        before = _exact(topics[0], 10)
    with psycopg.connect(database.state()["databases"]["superuser"]) as reader:
        reader.execute("select 1 from documents_passagevector limit 1")
        index.train(least=1, count=40, tell=told.append)
    assert told[-1].startswith("Somebody reads the table for long")
    with full.as_alice():
        assert _nearest(topics[0], 10) == before


def test_64_threads_never_find_each_other_s_passages(full: World, topics: Any) -> None:
    """Alice, Charlie and nobody share the pool, with errors, rollbacks and searches in between."""
    wrong: list[object] = []
    with full.as_alice():
        mine = set(_exact(topics[0], 2_000))
    asked = _vectors(np.random.default_rng(12), topics, 64)

    def work(number: int, person: Person, token: str) -> None:
        for turn in range(8):
            try:
                with entered(token), connection.cursor() as cursor:
                    found = set(_nearest(asked[number], 10))
                    if found - mine or bool(found) == (person is full.charlie):
                        wrong.append((person.username, len(found)))
                    if turn % 3 == 0:
                        cursor.execute("select 1/0")
            except Exception as error:
                if "division" not in str(error):
                    wrong.append(error)
            finally:
                connection.close()
            if turn % 4 == 0:
                if _nearest(asked[number], 10):
                    wrong.append("a search without an identity")
                connection.close()

    with full.alice.acting() as alice, full.bob.acting() as bob, full.charlie.acting() as charlie:
        people = ((full.alice, alice), (full.bob, bob), (full.charlie, charlie))
        threads = []
        for number in range(64):
            person, acting = people[number % 3]
            threads.append(threading.Thread(target=work, args=(number, person, acting.token)))
            threads[-1].start()
        for thread in threads:
            thread.join()
    assert wrong == []
