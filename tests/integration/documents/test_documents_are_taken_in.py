"""From a file to searchable passages, and what becomes of files that cannot be read."""

from typing import Any

import pytest
from django.db import connection

from assistant.accounts.identity import entered
from assistant.documents import blobs, intake, retrieve, vectors
from assistant.documents.ingest import ingest
from assistant.documents.library import documents_of, open_page
from assistant.documents.models import Document, Passage, State, Version
from assistant.documents.parse import Rejected
from tests.people import World
from tests.samples import LEASE


def _find(world: World, words: str) -> list[retrieve.Found]:
    with world.bob.entered():
        vector = vectors.embedder().query(words)
        scope = retrieve.scope_of(world.matter.id)
        return retrieve.passages_for(words, vector, scope=scope, limit=3)


def test_each_passage_is_the_document_s_text_at_its_place(world: World) -> None:
    version = world.add("lease.md", LEASE)
    with world.bob.entered():
        passages = list(Passage.objects.filter(version=version))
    assert version.state == State.INDEXED
    assert passages
    for passage in passages:
        assert version.text[passage.start : passage.end] == passage.text


def test_the_same_bytes_are_one_document(world: World) -> None:
    first = world.add("lease.md", LEASE)
    second = world.add("copy of lease.md", LEASE)
    assert second.id == first.id
    with world.bob.entered():
        assert Document.objects.count() == 1


def test_a_new_version_replaces_the_old_in_searches(world: World) -> None:
    world.add("lease.md", LEASE)
    world.add("lease.md", LEASE.replace("4,250", "4,444"))
    found = _find(world, "monthly rent")
    assert "4,444" in found[0].text
    assert not any("4,250" in passage.text for passage in found)
    with world.bob.entered():
        (row,) = documents_of(world.matter)
        old = Version.objects.get(number=1)
    assert (row.number, row.versions, row.is_live) == (2, 2, True)
    assert (old.state, "4,250" in old.text) == (State.SUPERSEDED, True)


def test_one_changed_sentence_embeds_few_passages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences = [
        f"Clause {n} says that party number {n * 7} pays {n * 11} euros for item {n}." * 2
        for n in range(300)
    ]
    world.add("long.txt", "\n\n".join(sentences))
    embedded: list[str] = []
    genuine = vectors.batch_embedder()

    class Counting:
        def passages(self, texts: list[str]) -> Any:
            embedded.extend(texts)
            return genuine.passages(texts)

    monkeypatch.setattr(vectors, "batch_embedder", Counting)
    sentences[150] += " This sentence is new."
    version = world.add("long.txt", "\n\n".join(sentences))
    assert version.passage_count > 40
    assert 1 <= len(embedded) <= version.passage_count * 0.1


def test_a_file_that_cannot_be_read_is_rejected_with_a_reason(world: World) -> None:
    version = world.add("broken.pdf", b"%PDF-1.7 this is no document")
    assert version.state == State.REJECTED
    assert version.reason
    assert _find(world, "document") == []


def test_an_empty_file_is_refused_at_the_door(world: World) -> None:
    with pytest.raises(Rejected, match="empty"):
        world.upload("nothing.txt", b"")


def test_ingesting_twice_changes_nothing(world: World) -> None:
    version = world.add("lease.md", LEASE)
    assert ingest(version.id) is None
    with world.bob.entered():
        assert Passage.objects.filter(version=version).count() == version.passage_count


def test_a_cancelled_upload_is_not_read(world: World, superuser: Any) -> None:
    version = world.upload("lease.md", LEASE)
    with world.alice.entered() as acting:
        assert intake.cancel(acting.record, version)
    assert ingest(version.id) is None
    assert _find(world, "rent") == []
    with world.alice.entered() as acting:
        assert intake.retry(acting.record, version)
    assert ingest(version.id) == State.INDEXED
    types = superuser(
        "select type from compliance_event where object = %s order by recorded_at",
        [version.document_id],
    )
    told = ["document.uploaded", "document.cancelled", "document.retried"]
    assert [row[0] for row in types][:3] == told


def test_the_workers_read_what_was_uploaded(world: World, installation: Any) -> None:
    import time

    from assistant.documents import tasks

    version = world.upload("lease.md", LEASE)
    tasks.wake(version.id)
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        with world.bob.entered():
            now = Version.objects.get(pk=version.id)
        if not now.is_working:
            break
        time.sleep(0.1)
    assert now.state == State.INDEXED
    assert set(now.seconds) == {"read", "split", "embed"}


def test_a_deleted_document_is_found_no_more(world: World) -> None:
    version = world.add("lease.md", LEASE)
    with world.alice.entered() as acting:
        intake.delete_document(acting.record, version.document)
    assert _find(world, "rent") == []
    with world.alice.entered():
        assert documents_of(world.matter) == []


def test_a_name_is_never_a_path(world: World) -> None:
    version = world.upload("../../etc/pass\u202ewd.txt", "harmless")
    assert version.document.title == "passwd.txt"
    assert blobs.path_of(version.sha256).read_bytes() == b"harmless"


def test_opening_a_page_is_recorded_before_it_is_shown(world: World, superuser: Any) -> None:
    version = world.add("lease.md", LEASE)
    start = version.text.index("4,250")
    with world.bob.entered() as acting:
        view = open_page(acting.record, version, 1, [(start, start + 5)])
    assert ("4,250", True) in view.segments
    rows = superuser(
        "select actor from compliance_event where type = 'document.opened' and object = %s",
        [version.document_id],
    )
    assert rows == [(world.bob.user.public_id,)]


def test_two_uploads_of_one_name_at_once_are_one_document(world: World) -> None:
    import threading

    def put(number: int) -> None:
        try:
            world.upload("same.txt", f"text number {number}")
        finally:
            connection.close()

    threads = [threading.Thread(target=put, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with world.alice.acting() as acting, entered(acting.token):
        assert Document.objects.count() == 1
        assert sorted(Version.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5, 6]
